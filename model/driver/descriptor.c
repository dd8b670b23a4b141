/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors of the device. Any number of them may be open on one enclave.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "trace.h"

/* The token is an empty memory file of this name, unless the machine has the device. */
#define TOKEN_NAME "sgx_provision"
#define TOKEN_LINK "/memfd:sgx_provision (deleted)"

static bool token_opened;

int open_provision(int flags)
{
    const int r = memfd_create(TOKEN_NAME, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);

    if (r < 0)
        return -errno;
    token_opened = true;
    return r;
}

bool is_provision(int fd)
{
    char path[64] = "";
    char link[32];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) >= 0 &&
           (strcmp(path, PROVISION_PATH) == 0 || strcmp(path, TOKEN_LINK) == 0);
}

const char *sgx2_node(int fd)
{
    const char *node = NULL;
    sigset_t saved;

    if (fd < 0 || !view_possible(fd)) /* the token is a memory file as well */
        return NULL;
    driver_enter(&saved);
    node = enclave_by_fd(fd) ? DEVICE_PATH : NULL;
    driver_leave(&saved);
    return node ? node : token_opened && is_provision(fd) ? PROVISION_PATH : NULL;
}

static int close_enclave(int fd)
{
    struct enclave *e = enclave_by_fd(fd);

    /* The program closes what it never opened: all of a range, say. */
    if (e && enclave_is_private(fd))
        return -EBADF;
    if (close(fd) < 0)
        return -errno;
    if (e) {
        TRACE_EVENT(e, TRACE_CLOSE, NULL, trace_number("fd", "%", fd), trace_system_result(0));
        enclave_release_fd(e);
    }
    return 0;
}

int sgx2_close(int fd)
{
    sigset_t saved;
    int r;

    if (!enclave_any() || !enclave_is_ours())
        return close(fd) < 0 ? -errno : 0;
    driver_enter(&saved);
    r = close_enclave(fd);
    driver_leave(&saved);
    return r;
}

/* On top of the model's own descriptor: EBUSY, which dup2(2) may answer, rather than a dead
 * enclave. */
static int dup_enclave(int fd, int to, int flags)
{
    struct enclave *source = enclave_by_fd(fd), *target = enclave_by_fd(to);
    int r;

    if (target && enclave_is_private(to))
        return -EBUSY;
    r = (int)syscall(SYS_dup3, fd, to, flags);
    if (r < 0)
        return -errno;
    if (source)
        enclave_hold_fd(source);
    if (target)
        enclave_release_fd(target);
    return r;
}

int sgx2_dup3(int fd, int to, int flags)
{
    sigset_t saved;
    int r;

    if (!enclave_any() || !enclave_is_ours()) {
        r = (int)syscall(SYS_dup3, fd, to, flags);
        return r < 0 ? -errno : r;
    }
    driver_enter(&saved);
    r = dup_enclave(fd, to, flags);
    driver_leave(&saved);
    return r;
}

static bool is_lock(int command)
{
    return command == F_GETLK || command == F_SETLK || command == F_SETLKW ||
           command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

/* What is for files with content only. */
static bool is_of_files(int command)
{
    return command == F_ADD_SEALS || command == F_GET_SEALS || command == F_SETLEASE;
}

int sgx2_fcntl(int fd, int command, unsigned long arg)
{
    const bool copies = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
    struct enclave *e;
    sigset_t saved;
    int r;

    if ((is_lock(command) || is_of_files(command)) && sgx2_node(fd))
        return is_lock(command) ? locks_fcntl(fd, command, arg) : -EINVAL;
    if (!copies || !enclave_any() || !enclave_is_ours()) {
        r = fcntl(fd, command, arg);
        return r < 0 ? -errno : r;
    }
    driver_enter(&saved);
    e = enclave_by_fd(fd);
    r = fcntl(fd, command, arg);
    if (r < 0)
        r = -errno;
    else if (e)
        enclave_hold_fd(e);
    driver_leave(&saved);
    return r;
}
