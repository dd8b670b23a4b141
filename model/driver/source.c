/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux adds no page from a source that may not become executable, whatever the page is to be: the
 * mapping of a file on a file system mounted noexec lacks VM_MAYEXEC. Here the list of mappings
 * tells which file it is.
 *
 * The kernel is asked about the range alone (Linux 6.11); the text of all mappings is read where it
 * cannot be. Each call asks anew: the program maps and unmaps behind the model's back, so an answer
 * that was kept would be about memory that is no longer there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"

/* PROCMAP_QUERY of linux/fs.h, which this machine's headers may be too old for. */
struct map_query {
    uint64_t size;
    uint64_t flags;
    uint64_t address;
    uint64_t start, end; /* from here on the answer, but for the name's place and room */
    uint64_t vma_flags;
    uint64_t page_size;
    uint64_t offset;
    uint64_t inode;
    uint32_t dev_major, dev_minor;
    uint32_t name_size;
    uint32_t build_id_size;
    uint64_t name;
    uint64_t build_id;
};

_Static_assert(sizeof(struct map_query) == 104, "PROCMAP_QUERY");

#define MAP_QUERY        _IOWR('f', 17, struct map_query)
#define QUERY_EXECUTABLE 0x04u
#define QUERY_OR_NEXT    0x10u
#define QUERY_OF_A_FILE  0x20u

static bool on_noexec(char *path)
{
    struct statvfs fs;

    path[strcspn(path, "\n")] = '\0';
    /* A file that is gone, or no file: [heap] and the like. Nothing is known against it. */
    return path[0] == '/' && statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOEXEC);
}

/* The first mapping of a file that reaches into [start, end). 1; 0: there is none; -1: who knows.
 */
static int query(int maps, uint64_t start, uint64_t end, struct map_query *ret, char path[4096])
{
    *ret = (struct map_query){
        .size = sizeof *ret,
        .flags = QUERY_OR_NEXT | QUERY_OF_A_FILE,
        .address = start,
        .name = (uint64_t)(uintptr_t)path,
        .name_size = 4096,
    };
    path[0] = '\0';
    if (syscall(SYS_ioctl, maps, MAP_QUERY, ret) < 0)
        return errno == ENOENT ? 0 : -1;
    return ret->start < end;
}

/* False: the kernel does not answer. */
static bool ask(int maps, uint64_t start, uint64_t end, uint64_t *ret_until)
{
    struct map_query map;
    char path[4096];
    uint64_t at = start;
    int r;

    while ((r = query(maps, at, end, &map, path)) > 0) {
        if (!(map.vma_flags & QUERY_EXECUTABLE) && on_noexec(path)) {
            *ret_until = map.start > start ? map.start : start;
            return true;
        }
        at = map.end;
        if (at >= end)
            break;
    }
    *ret_until = end;
    return r >= 0;
}

static uint64_t read_text(FILE *maps, uint64_t start, uint64_t end)
{
    char *line = NULL;
    size_t room = 0;
    uint64_t low, high;
    int path;

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
    return end;
}

uint64_t source_executable_until(uint64_t start, uint64_t end)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    FILE *maps;
    uint64_t until;

    if (end < start) /* it wraps: the copy will fail where it does */
        end = UINT64_MAX;
    if (fd < 0)
        return end;
    if (ask(fd, start, end, &until)) {
        close(fd);
        return until;
    }
    maps = fdopen(fd, "r");
    if (!maps) {
        close(fd);
        return end;
    }
    until = read_text(maps, start, end);
    fclose(maps);
    return until;
}
