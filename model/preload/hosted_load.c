/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve(2) in user space: a program's segments, its first stack, its start.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/hosted.h"
#include "preload/preload.h"
#include "preload/program.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

#define PAGE          UINT64_C(4096)
#define STACK_DEFAULT (UINT64_C(8) << 20)
#define STACK_MOST    (UINT64_C(1) << 30) /* of an unlimited one */
#define EXIT_UNUSABLE 126
#define SIGNAL_SETXID 33

struct hosted_program hosted_program;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list args;

    fputs("ap-run: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    _exit(EXIT_UNUSABLE);
}

static uint64_t page_up(uint64_t at)
{
    return (at + PAGE - 1) & -PAGE;
}

static void *pointer(uint64_t at)
{
    return (void *)(uintptr_t)at;
}

/* ------------------------------------------------------------------ segments */

/* Where a program that moves goes: its bias. */
static uint64_t reserve_anywhere(const char *path, const struct program *p)
{
    const uint64_t span = p->high - p->low, room = span + p->align - PAGE;
    const uint64_t at = (uint64_t)(uintptr_t)raw_mmap(
        NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t start;

    if (pointer(at) == MAP_FAILED)
        die("%s: no room for it: %s", path, strerror(errno));
    start = ((at - p->low + p->align - 1) & -p->align) + p->low;
    if (start > at)
        raw_munmap(pointer(at), start - at);
    if (at + room > start + span)
        raw_munmap(pointer(start + span), at + room - start - span);
    return start - p->low;
}

static void reserve_there(const char *path, const struct program *p)
{
    const void *at =
        raw_mmap(pointer(p->low), p->high - p->low, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    if (at == pointer(p->low))
        return;
    die("%s: its segments at %#llx to %#llx cannot be there: %s; link it elsewhere, or as PIE",
        path, (unsigned long long)p->low, (unsigned long long)p->high,
        at != MAP_FAILED || errno == EEXIST ? "ap-run itself is in the way" : strerror(errno));
}

static void map(const char *path, uint64_t at, uint64_t size, int prot, int fd, uint64_t offset)
{
    const int flags = MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);

    if (size && raw_mmap(pointer(at), size, prot, flags, fd, (off_t)offset) == MAP_FAILED)
        die("%s: mapping a segment: %s", path, strerror(errno));
}

static void map_segment(const char *path, int fd, const struct program_segment *s, uint64_t bias)
{
    const uint64_t start = (s->at + bias) & -PAGE, data_end = s->at + bias + s->file_size;
    const uint64_t filled = s->file_size ? page_up(data_end) : start;
    const uint64_t end = page_up(s->at + bias + s->memory_size);

    if (s->file_size)
        map(path, start, filled - start, s->prot, fd, s->offset & -PAGE);
    if (s->memory_size > s->file_size && s->file_size && s->prot & PROT_WRITE)
        memset(pointer(data_end), 0, filled - data_end);
    if (end > filled)
        map(path, filled, end - filled, s->prot, -1, 0);
}

/* What a file becomes: returns its bias. */
static uint64_t map_program(const char *path, int fd, const struct program *p)
{
    uint64_t bias = 0;

    if (p->moves)
        bias = reserve_anywhere(path, p);
    else
        reserve_there(path, p);
    for (unsigned i = 0; i < p->count; i++)
        map_segment(path, fd, &p->segments[i], bias);
    return bias;
}

struct image {
    struct program program;
    uint64_t bias;
};

static struct image load(const char *path, char *ret_interpreter)
{
    const int fd = raw_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    struct image image;
    const char *wrong;

    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    wrong = program_read(fd, &image.program, ret_interpreter);
    if (wrong)
        die("%s: %s", path, wrong);
    image.bias = map_program(path, fd, &image.program);
    raw_close(fd);
    return image;
}

/* ------------------------------------------------------------------ the first stack */

struct stack {
    uint64_t low, sp;
};

static struct stack make_stack(bool executable)
{
    const int prot = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
    struct rlimit limit;
    uint64_t size = STACK_DEFAULT;
    struct stack s;

    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur > size)
        size = limit.rlim_cur < STACK_MOST ? page_up(limit.rlim_cur) : STACK_MOST;
    s.low = (uint64_t)(uintptr_t)raw_mmap(NULL, size + PAGE, PROT_NONE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                                          -1, 0);
    if (pointer(s.low) == MAP_FAILED || raw_mprotect(pointer(s.low + PAGE), size, prot) < 0)
        die("no memory for a stack of %llu KiB", (unsigned long long)size >> 10);
    s.sp = s.low + PAGE + size;
    return s;
}

static uint64_t push(struct stack *s, const void *data, size_t size)
{
    if (s->sp - s->low < size + 64 * PAGE)
        die("its arguments and environment do not fit its stack");
    s->sp -= size;
    memcpy(pointer(s->sp), data, size);
    return s->sp;
}

static size_t count(char *const list[])
{
    size_t n = 0;

    while (list[n])
        n++;
    return n;
}

static void push_strings(struct stack *s, char *const list[], uint64_t *ret_at)
{
    size_t n = count(list);

    ret_at[n] = 0;
    while (n--)
        ret_at[n] = push(s, list[n], strlen(list[n]) + 1);
}

#define AUX_MOST 32

struct aux {
    Elf64_auxv_t entry[AUX_MOST];
    unsigned count;
};

static void aux_add(struct aux *a, uint64_t type, uint64_t value)
{
    a->entry[a->count].a_type = type;
    a->entry[a->count++].a_un.a_val = value;
}

/* What holds for every program of this process, as the kernel told ap-run. */
static void aux_inherit(struct aux *a)
{
    static const uint64_t types[] = {
        AT_SYSINFO_EHDR, AT_HWCAP, AT_PAGESZ, AT_CLKTCK, AT_FLAGS,  AT_UID,
        AT_EUID,         AT_GID,   AT_EGID,   AT_SECURE, AT_HWCAP2, AT_MINSIGSTKSZ,
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        uint64_t value;

        errno = 0;
        value = getauxval(types[i]);
        if (value || errno != ENOENT)
            aux_add(a, types[i], value);
    }
}

static void aux_program(struct aux *a, const struct image *program, const struct image *linker)
{
    const struct program *p = &program->program;

    aux_add(a, AT_PHDR, p->headers ? p->headers + program->bias : 0);
    aux_add(a, AT_PHENT, sizeof(Elf64_Phdr));
    aux_add(a, AT_PHNUM, p->header_count);
    aux_add(a, AT_BASE, linker ? linker->bias : 0);
    aux_add(a, AT_ENTRY, p->entry + program->bias);
}

static void aux_strings(struct aux *a, struct stack *s, const char *path)
{
    const char *platform = (const char *)getauxval(AT_PLATFORM);
    uint8_t random[16];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        die("no random bytes: %s", strerror(errno));
    aux_add(a, AT_EXECFN, push(s, path, strlen(path) + 1));
    aux_add(a, AT_RANDOM, push(s, random, sizeof random));
    if (platform)
        aux_add(a, AT_PLATFORM, push(s, platform, strlen(platform) + 1));
    aux_add(a, AT_NULL, 0);
}

/* argc, argv, envp and the auxiliary vector, from the stack pointer up. Returns that. */
static uint64_t fill_stack(struct stack *s, struct aux *aux, const char *path, char *const argv[],
                           char *const envp[])
{
    const uint64_t argc = count(argv), envc = count(envp);
    uint64_t *words = calloc(1 + argc + 1 + envc + 1, sizeof *words);
    const size_t words_size = (1 + argc + 1 + envc + 1) * sizeof *words;
    size_t aux_size;

    if (!words)
        die("no memory");
    aux_strings(aux, s, path);
    words[0] = argc;
    push_strings(s, envp, words + 1 + argc + 1);
    push_strings(s, argv, words + 1);
    aux_size = aux->count * sizeof *aux->entry;
    s->sp = ((s->sp - aux_size - words_size) & -(uint64_t)16) + aux_size + words_size;
    push(s, aux->entry, aux_size);
    push(s, words, words_size);
    free(words);
    return s->sp;
}

/* ------------------------------------------------------------------ start */

static void set_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    prctl(PR_SET_NAME, slash ? slash + 1 : path);
}

static void set_path(const char *path)
{
    if (!realpath(path, hosted_program.path))
        snprintf(hosted_program.path, sizeof hosted_program.path, "%s", path);
}

static void *nothing(void *arg)
{
    return arg;
}

/*
 * The loader's libc takes a signal for itself (for setuid() and its like) with its first thread. It
 * is the program's libc that needs it: have that done now, and undo it.
 */
static void take_back_setxid(void)
{
    struct kernel_sigaction action = {.handler = NULL};
    pthread_t thread;

    syscall(SYS_rt_sigaction, SIGNAL_SETXID, NULL, &action, sizeof action.mask);
    if (pthread_create(&thread, NULL, nothing, NULL) != 0)
        die("no thread: %s", strerror(errno));
    pthread_join(thread, NULL);
    syscall(SYS_rt_sigaction, SIGNAL_SETXID, &action, NULL, sizeof action.mask);
}

__attribute__((noreturn)) static void start(const struct start *at)
{
    struct start s = *at;
    struct hosted h = {.start = &s};
    int status;

    take_back_setxid();
    hosted_brk_reserve();
    hosted_begin();
    thread_self();
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &s.mask, sizeof s.mask);
    hosted_run(&h);
    status = h.status; /* the process ends with its last thread */
    for (;;)
        syscall(SYS_exit, status);
}

void aperture_host(const char *path, char *const argv[], char *const envp[], bool raw)
{
    char interpreter[PATH_MAX], none[PATH_MAX];
    const struct image program = load(path, interpreter);
    struct image linker = program;
    struct aux aux = {.count = 0};
    struct stack stack;

    if (*interpreter)
        linker = load(interpreter, none);
    set_path(path);
    hosted_program.raw = raw;
    stack = make_stack(program.program.executable_stack);
    aux_inherit(&aux);
    aux_program(&aux, &program, *interpreter ? &linker : NULL);
    set_name(path);
    start(&(struct start){
        .rip = linker.program.entry + linker.bias,
        .rsp = fill_stack(&stack, &aux, path, argv, envp),
    });
}
