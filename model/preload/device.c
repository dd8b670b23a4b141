/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's nodes as they appear to programs. They need not exist on this machine.
 *
 * This is a file of its own because libc declares that its functions take no NULL: a compiler that
 * saw the functions below in one of them would drop the checks.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "model.h"
#include "preload/preload.h"

#define ENCLAVE   "/dev/sgx_enclave"
#define PROVISION "/dev/sgx_provision"

/* Minors that Linux gives to the two on a machine with no other miscellaneous devices. */
#define MISC_MAJOR      10
#define ENCLAVE_MINOR   125
#define PROVISION_MINOR 126

bool is_node(const char *path)
{
    return path && (strcmp(path, ENCLAVE) == 0 || strcmp(path, PROVISION) == 0);
}

void stat_node(const char *path, struct stat *ret_stat)
{
    const unsigned minor = strcmp(path, ENCLAVE) == 0 ? ENCLAVE_MINOR : PROVISION_MINOR;

    *ret_stat = (struct stat){
        .st_dev = makedev(0, 5),
        .st_ino = minor,
        .st_mode = S_IFCHR | 0666,
        .st_nlink = 1,
        .st_rdev = makedev(MISC_MAJOR, minor),
        .st_blksize = 4096,
    };
}

const char *node_at(int dir, const char *path, int flags)
{
    if (is_node(path))
        return path;
    return path && !*path && flags & AT_EMPTY_PATH ? sgx2_node(dir) : NULL;
}
