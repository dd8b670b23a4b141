/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runtime as programs load it: it opens the device, builds an enclave and enters it, by libc's
 * functions and the vDSO, which are looked up when it is loaded.
 */
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "raw.h"

static struct raw raw;
static int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

/* raw_open() is the program's, and calls the program's libc. These calls are our own. */
int runtime_open(void)
{
    const int fd = open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    close(fd);
    raw_open(&raw);
    return mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE);
}

uint64_t runtime_call(uint64_t value)
{
    const uint64_t at = raw_address(&raw, RAW_DATA);

    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = at, .b = value});
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = at}).ret;
}

int runtime_signal(void)
{
    signal(SIGUSR1, count);
    raise(SIGUSR1);
    return calls;
}

int runtime_close(void)
{
    return munmap(raw.base, RAW_SIZE) < 0 || close(raw.fd) < 0 ? -errno : 0;
}
