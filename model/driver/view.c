/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process's view of an enclave: made when it opens the device, when it first meets a descriptor
 * that another process opened, or by fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/hide.h"
#include "driver/share.h"

/* Our own descriptor, out of the way of programs that count on low numbers or close them all. */
#define PRIVATE_FD_LEAST 512

/*
 * The same file by an open file description that nobody else has. It may be written whatever fd
 * allows, and locks on it are this process's alone.
 */
static int reopen(int fd)
{
    char path[32];
    int low, r;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    low = open(path, O_RDWR | O_CLOEXEC);
    if (low < 0)
        return -1;
    r = fcntl(low, F_DUPFD_CLOEXEC, PRIVATE_FD_LEAST);
    if (r < 0)
        return low;
    close(low);
    return r;
}

bool view_possible(int fd)
{
    return fcntl(fd, F_GET_SEALS) >= 0;
}

struct enclave *view_new(int fd)
{
    struct enclave *e;
    struct stat st;

    if (!view_possible(fd)) {
        errno = 0;
        return NULL;
    }
    e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->fd = reopen(fd);
    if (e->fd < 0)
        goto free_enclave;
    errno = 0;
    if (fstat(e->fd, &st) < 0 || !(e->file = epcfile_header(e->fd)))
        goto close_file;
    e->inode = st.st_ino;
    return e;

close_file:
    close(e->fd);
free_enclave:
    free(e);
    return NULL;
}

void view_free(struct enclave *e)
{
    epcfile_unmap(e);
    epcfile_unmap_header(e->file);
    close(e->fd);
    free(e->vmas);
    free(e);
}

void view_after_fork(struct enclave *e)
{
    const int fd = reopen(e->fd);

    if (fd < 0 || syscall(SYS_dup3, fd, e->fd, O_CLOEXEC) < 0) {
        perror("aperture: the model cannot keep an enclave over fork: reopening its memory file");
        abort();
    }
    close(fd);
    mm_after_fork(e);
    hide_after_fork(e);
    e->process = 0; /* the parent's place is not ours: enclave_lock() finds one */
}
