/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that are stopped inside, by SIGSTOP or by a debugger.
 *
 * On hardware a thread has to leave the enclave to stop, and ERESUME comes after whatever let it go
 * on. Here the signal frame that would tell its registers is not written before it goes on. But it
 * cannot execute an instruction before it has taken the interrupt that waits for it. So it counts
 * as one that entered in the current epoch; when it goes on, it leaves by the asynchronous exit
 * that it would have taken then.
 *
 * What remains different: its TCS is busy while it is stopped, and its frame in the SSA not
 * written.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver/share.h"

/* The state in /proc: T by a signal, t by a tracer. False where that cannot be read. */
static bool is_stopped(int pid, int tid)
{
    char path[64], line[512];
    const char *name_end;
    ssize_t size;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size = read(fd, line, sizeof line - 1);
    close(fd);
    line[size < 0 ? 0 : size] = '\0';
    name_end = strrchr(line, ')'); /* the name in brackets may hold anything */
    return name_end && (strncmp(name_end, ") T", 3) == 0 || strncmp(name_end, ") t", 3) == 0);
}

void stopped_step_aside(struct enclave *e, struct epc_inside *in, int pid)
{
    struct enclave_state *state = &e->file->state;

    if (!is_stopped(pid, in->tid))
        return;
    state->inside[in->epoch % EPOCH_SLOTS]--;
    state->inside[state->epoch % EPOCH_SLOTS]++;
    in->epoch = state->epoch;
}
