/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that end without their destructors: the summaries are due all the same.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model.h"
#include "preload/preload.h"

INTERPOSED __attribute__((noreturn)) void _exit(int status)
{
    sgx2_process_ends();
    for (;;)
        syscall(SYS_exit_group, status);
}

INTERPOSED __attribute__((noreturn)) void _Exit(int status)
{
    _exit(status);
}
