/* SPDX-License-Identifier: Apache-2.0 */
#include "preload/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE     UINT64_C(4096)
#define HIGHEST  (UINT64_C(1) << 47)
#define SPAN_MAX (UINT64_C(1) << 46)

static bool ends_within(uint64_t at, uint64_t size, uint64_t limit)
{
    return at <= limit && size <= limit - at;
}

const char *program_check(const Elf64_Ehdr *header)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return "not an ELF file";
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64)
        return "not a program for x86-64";
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return "not a program: neither ET_EXEC nor ET_DYN";
    if (header->e_phentsize != sizeof(Elf64_Phdr))
        return "malformed: the size of a program header is wrong";
    if (!header->e_phnum || header->e_phnum > PROGRAM_HEADERS)
        return "malformed: no program headers, or more than 128";
    return NULL;
}

static int prot_of(uint32_t flags)
{
    return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
           (flags & PF_X ? PROT_EXEC : 0);
}

static const char *add_segment(struct program *p, const Elf64_Phdr *h, uint64_t file_size)
{
    const struct program_segment *last = p->count ? &p->segments[p->count - 1] : NULL;

    if (h->p_filesz > h->p_memsz)
        return "malformed: a segment is larger in the file than in memory";
    if (!ends_within(h->p_offset, h->p_filesz, file_size))
        return "malformed: a segment ends behind the file's end";
    if (!ends_within(h->p_vaddr, h->p_memsz, HIGHEST - 2 * PAGE))
        return "malformed: a segment is outside the address space";
    if ((h->p_vaddr ^ h->p_offset) & (PAGE - 1))
        return "malformed: a segment's address and place in the file are not in step";
    if (h->p_align & (h->p_align - 1) || h->p_align > SPAN_MAX)
        return "malformed: a segment's alignment is no power of two";
    if (!h->p_memsz)
        return NULL;
    if (last && h->p_vaddr < last->at + last->memory_size)
        return "malformed: segments overlap, or are out of order";
    p->segments[p->count++] = (struct program_segment){
        .at = h->p_vaddr,
        .offset = h->p_offset,
        .file_size = h->p_filesz,
        .memory_size = h->p_memsz,
        .prot = prot_of(h->p_flags),
    };
    if (h->p_align > p->align)
        p->align = h->p_align;
    return NULL;
}

static const char *add_interpreter(struct program *p, const Elf64_Phdr *h, uint64_t file_size)
{
    if (p->interpreter_size)
        return NULL; /* the first counts */
    if (h->p_filesz < 2 || h->p_filesz > PATH_MAX ||
        !ends_within(h->p_offset, h->p_filesz, file_size))
        return "malformed: the path of its interpreter";
    p->interpreter_at = h->p_offset;
    p->interpreter_size = h->p_filesz;
    return NULL;
}

/* The memory that holds the file's bytes from offset on; 0: none. */
static uint64_t find_in_memory(const struct program *p, uint64_t offset, uint64_t size)
{
    for (unsigned i = 0; i < p->count; i++) {
        const struct program_segment *s = &p->segments[i];

        if (offset >= s->offset && ends_within(offset - s->offset, size, s->file_size))
            return s->at + (offset - s->offset);
    }
    return 0;
}

static bool contains(const struct program *p, uint64_t at)
{
    for (unsigned i = 0; i < p->count; i++)
        if (at - p->segments[i].at < p->segments[i].memory_size)
            return true;
    return false;
}

static const char *add_header(struct program *p, const Elf64_Phdr *h, uint64_t file_size)
{
    switch (h->p_type) {
    case PT_LOAD:
        return add_segment(p, h, file_size);
    case PT_INTERP:
        return add_interpreter(p, h, file_size);
    case PT_GNU_STACK:
        p->executable_stack = h->p_flags & PF_X;
        return NULL;
    default:
        return NULL;
    }
}

const char *program_parse(const Elf64_Ehdr *header, const Elf64_Phdr *table, uint64_t file_size,
                          struct program *ret)
{
    struct program p = {
        .moves = header->e_type == ET_DYN,
        .entry = header->e_entry,
        .align = PAGE,
        .header_count = header->e_phnum,
    };
    const struct program_segment *last;

    for (unsigned i = 0; i < header->e_phnum; i++) {
        const char *wrong = add_header(&p, &table[i], file_size);

        if (wrong)
            return wrong;
    }
    if (!p.count)
        return "malformed: no segment to load";
    if (!contains(&p, p.entry))
        return "malformed: its entry is outside its segments";
    last = &p.segments[p.count - 1];
    p.low = p.segments[0].at & -PAGE;
    p.high = (last->at + last->memory_size + PAGE - 1) & -PAGE;
    if (p.high - p.low > SPAN_MAX)
        return "malformed: its segments are too far apart";
    p.headers = find_in_memory(&p, header->e_phoff, header->e_phnum * sizeof *table);
    *ret = p;
    return NULL;
}

static bool read_at(int fd, void *to, size_t size, uint64_t at)
{
    return at <= INT64_MAX && pread(fd, to, size, (off_t)at) == (ssize_t)size;
}

const char *program_read(int fd, struct program *ret, char *ret_interpreter)
{
    Elf64_Phdr table[PROGRAM_HEADERS];
    Elf64_Ehdr header;
    struct program p;
    const char *wrong;
    struct stat st;

    if (fstat(fd, &st) < 0 || !read_at(fd, &header, sizeof header, 0))
        return "malformed: too short for an ELF header";
    wrong = program_check(&header);
    if (wrong)
        return wrong;
    if (!read_at(fd, table, header.e_phnum * sizeof *table, header.e_phoff))
        return "malformed: the program headers are not in the file";
    wrong = program_parse(&header, table, (uint64_t)st.st_size, &p);
    if (wrong)
        return wrong;
    *ret_interpreter = '\0';
    if (p.interpreter_size &&
        (!read_at(fd, ret_interpreter, p.interpreter_size, p.interpreter_at) ||
         ret_interpreter[p.interpreter_size - 1] != '\0'))
        return "malformed: the path of its interpreter";
    *ret = p;
    return NULL;
}

bool program_is_hosted(const char *interpreter)
{
    return !*interpreter || strstr(interpreter, "/ld-musl");
}

bool program_script(int fd, char *ret_path, char *ret_argument)
{
    char line[PATH_MAX], *name, *rest;
    const ssize_t size = pread(fd, line, sizeof line - 1, 0);
    size_t end;

    if (size < 3 || line[0] != '#' || line[1] != '!')
        return false;
    line[size] = '\0';
    line[strcspn(line, "\n")] = '\0';
    name = line + 2 + strspn(line + 2, " \t");
    rest = name + strcspn(name, " \t");
    if (*rest)
        *rest++ = '\0';
    rest += strspn(rest, " \t");
    for (end = strlen(rest); end && strchr(" \t", rest[end - 1]); end--)
        ;
    rest[end] = '\0';
    strcpy(ret_path, name);
    strcpy(ret_argument, rest);
    return *name != '\0';
}

/* A file that is executed with its caller's rights. */
static int open_ordinary(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & (S_ISUID | S_ISGID)))
        return fd;
    close(fd);
    return -1;
}

bool program_needs_host(const char *path)
{
    char interpreter[PATH_MAX], argument[PATH_MAX];
    struct program program;

    for (int depth = 0; depth < PROGRAM_SCRIPTS; depth++) {
        const int fd = open_ordinary(path);
        bool script, needs;

        if (fd < 0)
            return false;
        script = program_script(fd, interpreter, argument);
        needs =
            !script && !program_read(fd, &program, interpreter) && program_is_hosted(interpreter);
        close(fd);
        if (!script)
            return needs;
        path = interpreter;
    }
    return false;
}

bool program_on_model(const char *path)
{
    const int fd = open_ordinary(path);
    Elf64_Ehdr header = {0};
    ssize_t size;

    if (fd < 0)
        return false;
    size = pread(fd, &header, sizeof header, 0);
    close(fd);
    return (size > 2 && memcmp(&header, "#!", 2) == 0) ||
           (size == sizeof header && program_check(&header) == NULL);
}
