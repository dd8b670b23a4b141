/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_fuzz.c - any bytes as a program for ap-run to host
 *
 * What program_read() accepts can be mapped: every segment is in the file and in the address space,
 * and lies in [low, high) behind the one before it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/program.h"

#define PAGE    UINT64_C(4096)
#define HIGHEST (UINT64_C(1) << 47)

static void check_segments(const struct program *p, size_t size)
{
    uint64_t end = p->low;
    bool entry = false;

    assert(p->count && p->count <= PROGRAM_HEADERS);
    for (unsigned i = 0; i < p->count; i++) {
        const struct program_segment *s = &p->segments[i];

        assert(s->memory_size && s->file_size <= s->memory_size);
        assert(s->offset <= size && s->file_size <= size - s->offset);
        assert((s->at ^ s->offset) % PAGE == 0);
        assert(s->at >= end && s->memory_size <= HIGHEST - s->at);
        assert(s->at + s->memory_size <= p->high);
        assert(!(s->prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)));
        entry |= p->entry - s->at < s->memory_size;
        end = s->at + s->memory_size;
    }
    assert(entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char interpreter[PATH_MAX];
    struct program p;

    if (fd < 0)
        fd = memfd_create("program", MFD_CLOEXEC);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    program_script(fd, interpreter, (char[PATH_MAX]){0});
    memset(interpreter, 'x', sizeof interpreter);
    if (program_read(fd, &p, interpreter))
        return 0;
    assert(memchr(interpreter, '\0', sizeof interpreter));
    assert(p.low % PAGE == 0 && p.high % PAGE == 0 && p.low < p.high && p.high <= HIGHEST);
    assert(p.align >= PAGE && !(p.align & (p.align - 1)));
    assert(p.header_count && p.header_count <= PROGRAM_HEADERS);
    assert(!p.headers || (p.headers >= p.low && p.headers < p.high));
    check_segments(&p, size);
    return 0;
}
