/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record locks on a descriptor of the device. The memory file behind it has locks of the model's
 * own, on its first bytes (share.c), so the program's go elsewhere: above any size that the file
 * can have. All processes on the model agree on where.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "driver/enclave.h"

#define ELSEWHERE ((off_t)1 << 56)

/* Every position that a descriptor of the device can have is 0, and so is the device's size. */
static int to_elsewhere(struct flock *lock)
{
    if (lock->l_whence != SEEK_SET && lock->l_whence != SEEK_CUR && lock->l_whence != SEEK_END)
        return -EINVAL;
    if (lock->l_start < 0 || (lock->l_len < 0 && lock->l_start + lock->l_len < 0))
        return -EINVAL;
    if (lock->l_start >= ELSEWHERE || lock->l_len >= ELSEWHERE)
        return -EOVERFLOW;
    lock->l_whence = SEEK_SET;
    lock->l_start += ELSEWHERE;
    return 0;
}

int locks_fcntl(int fd, int command, uint64_t user_lock)
{
    struct flock lock;
    int r = user_read(&lock, user_lock, sizeof lock);

    if (r == 0)
        r = to_elsewhere(&lock);
    if (r == 0 && fcntl(fd, command, &lock) < 0)
        r = -errno;
    if (r == 0 && (command == F_GETLK || command == F_OFD_GETLK)) {
        if (lock.l_type != F_UNLCK)
            lock.l_start -= ELSEWHERE;
        else if (user_read(&lock, user_lock, sizeof lock) == 0)
            lock.l_type = F_UNLCK; /* the rest stays as the caller had it */
        r = user_write(user_lock, &lock, sizeof lock);
    }
    return r;
}
