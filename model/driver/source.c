/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux adds no page from a source that may not become executable: the mapping of a file on a file
 * system mounted noexec lacks VM_MAYEXEC. Here the list of mappings tells which file it is.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "driver/enclave.h"

static bool on_noexec(char *path)
{
    struct statvfs fs;

    path[strcspn(path, "\n")] = '\0';
    /* A file that is gone, or no file: [heap] and the like. Nothing is known against it. */
    return path[0] == '/' && statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOEXEC);
}

uint64_t source_executable_until(uint64_t start, uint64_t end)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    FILE *maps = fd >= 0 ? fdopen(fd, "r") : NULL;
    char *line = NULL;
    size_t room = 0;
    uint64_t low, high;
    int path;

    if (!maps) {
        if (fd >= 0)
            close(fd);
        return end < start ? UINT64_MAX : end;
    }
    if (end < start) /* it wraps: the copy will fail where it does */
        end = UINT64_MAX;
    while (getline(&line, &room, maps) > 0) {
        path = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &low, &high, &path) < 2 ||
            high <= start)
            continue;
        if (low >= end)
            break;
        if (path && on_noexec(line + path)) {
            end = low > start ? low : start;
            break;
        }
    }
    free(line);
    fclose(maps);
    return end;
}
