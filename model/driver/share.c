/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that share an enclave, and how one learns what another changed.
 */
#include "driver/share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __attribute__((noreturn)) void die(const char *what)
{
    fprintf(stderr, "aperture: the model cannot share an enclave: %s: %s\n", what, strerror(errno));
    abort();
}

/* ------------------------------------------------------------------ who is alive */

/*
 * The lock belongs to the open file description behind e->fd, which nobody but this process has:
 * the kernel drops it when the process ends or executes another program, however it does.
 */
static struct flock life_of(uint32_t process)
{
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = process - 1, .l_len = 1};
}

bool share_alive(const struct enclave *e, uint32_t process)
{
    struct flock life = life_of(process);

    if (process == e->process)
        return true;
    return fcntl(e->fd, F_OFD_GETLK, &life) == 0 && life.l_type != F_UNLCK;
}

/* What a process that is gone has left behind. */
static void clear_place(struct enclave *e, uint32_t process)
{
    uint32_t owner = process;

    if (e->mapping)
        inside_bury(e, process);
    __atomic_compare_exchange_n(&e->file->ioctl_owner, &owner, 0, false, __ATOMIC_ACQ_REL,
                                __ATOMIC_RELAXED);
    e->file->processes[process - 1].pid = 0;
}

static void join(struct enclave *e)
{
    for (uint32_t process = 1; process <= EPC_PROCESSES; process++) {
        struct flock life = life_of(process);

        if (fcntl(e->fd, F_OFD_SETLK, &life) < 0)
            continue;
        e->process = process;
        if (e->file->processes[process - 1].pid)
            clear_place(e, process);
        e->file->processes[process - 1] =
            (struct epc_process){.pid = getpid(), .mark = run_kick_mark()};
        return;
    }
    fprintf(stderr,
            "aperture: the model cannot share an enclave: %u processes have it, and no more "
            "can\n",
            EPC_PROCESSES);
    abort();
}

/* Nobody else is left who will do anything to the enclave. */
static bool is_last(const struct enclave *e)
{
    const struct epc_process *all = e->file->processes;

    for (uint32_t process = 1; process <= EPC_PROCESSES; process++)
        if (process != e->process && all[process - 1].pid && !all[process - 1].ended &&
            share_alive(e, process))
            return false;
    return true;
}

bool share_leave(struct enclave *e)
{
    e->file->processes[e->process - 1].pid = 0;
    return is_last(e);
}

bool share_end(struct enclave *e)
{
    e->file->processes[e->process - 1].ended = true;
    return is_last(e);
}

void share_recover(struct enclave *e)
{
    if (e->mapping)
        inside_recover(e);
    for (uint32_t process = 1; process <= EPC_PROCESSES; process++)
        if (e->file->processes[process - 1].pid && !share_alive(e, process))
            clear_place(e, process);
}

/* ------------------------------------------------------------------ what others changed */

void share_page_changed(struct enclave *e, uint64_t page)
{
    struct epc_file *file = e->file;

    file->changes[file->generation++ % EPC_CHANGES] = page;
    e->seen = file->generation; /* it was in line when the lock was taken */
}

static void see_changes(struct enclave *e)
{
    const struct epc_file *file = e->file;

    if (file->generation - e->seen > EPC_CHANGES) {
        pagetable_resync(e, 0, file->size >> SGX_PAGE_SHIFT);
    } else {
        for (uint64_t i = e->seen; i < file->generation; i++) {
            const uint64_t page = file->changes[i % EPC_CHANGES];

            pagetable_resync(e, page, page + 1);
        }
    }
    e->seen = file->generation;
}

void share_catch_up(struct enclave *e)
{
    if (e->file->created && !e->mapping && (epcfile_map(e) < 0 || attach_early_mappings(e) < 0))
        die("mapping it");
    if (!e->process)
        join(e);
    if (e->file->created && e->seen != e->file->generation)
        see_changes(e);
}
