/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ap-run - run a program on the software SGX2
 *
 * Sets LD_PRELOAD and becomes the program, after making sure that the dynamic linker will do as it
 * is told: it does not for programs that have none, or that run with more rights than the caller.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LIBRARY "libsgx2.so"

/* As env(1) and its like have them. */
enum {
    EXIT_OURS = 125,      /* ap-run itself failed */
    EXIT_UNUSABLE = 126,  /* the program is there and cannot be run */
    EXIT_NOT_FOUND = 127, /* it is not there */
};

__attribute__((noreturn, format(printf, 2, 3))) static void die(int status, const char *format, ...)
{
    va_list args;

    fputs("ap-run: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(status);
}

static void usage(FILE *to)
{
    fputs("usage: ap-run [--quiet] [--trace[=FILE]] PROGRAM [ARGUMENT ...]\n"
          "       ap-run --help | --version\n"
          "\n"
          "Runs PROGRAM, which may be any program for /dev/sgx_enclave, on the software SGX2.\n"
          "  --quiet         do not say that this is the model\n"
          "  --trace[=FILE]  print every leaf, ioctl, exit and fault to standard error or FILE\n",
          to);
}

/* ------------------------------------------------------------------ the library */

/* Beside this program, as built, or where it was installed relative to it. */
static void find_library(char *ret_path)
{
    static const char *const places[] = {LIBRARY, APERTURE_LIBDIR "/" LIBRARY};
    char self[PATH_MAX], *slash;
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);

    if (size < 0)
        die(EXIT_OURS, "cannot find itself: /proc/self/exe: %s", strerror(errno));
    self[size] = '\0';
    slash = strrchr(self, '/');
    slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[PATH_MAX + sizeof APERTURE_LIBDIR + sizeof LIBRARY];

        snprintf(path, sizeof path, "%s%s", self, places[i]);
        if (realpath(path, ret_path))
            return;
    }
    die(EXIT_OURS, "%s is neither in %s nor in %s%s", LIBRARY, self, self, APERTURE_LIBDIR);
}

static void preload(const char *library)
{
    const char *others = getenv("LD_PRELOAD");
    char *value;

    /* The dynamic linker splits the list at both, and knows no quotes. */
    if (strpbrk(library, ": "))
        die(EXIT_OURS, "%s: a path with a space or a colon cannot be preloaded", library);
    if (asprintf(&value, "%s%s%s", library, others && *others ? ":" : "", others ? others : "") <
            0 ||
        setenv("LD_PRELOAD", value, 1) < 0)
        die(EXIT_OURS, "no memory");
    free(value);
}

/* ------------------------------------------------------------------ the program */

/* Where execvp() would find it. */
static void find_program(const char *name, char *ret_path)
{
    const char *path = getenv("PATH");
    int error = ENOENT;

    if (strchr(name, '/')) {
        snprintf(ret_path, PATH_MAX, "%s", name);
        return;
    }
    for (const char *end; path && *path; path = *end ? end + 1 : end) {
        end = path + strcspn(path, ":");
        snprintf(ret_path, PATH_MAX, "%.*s/%s", end == path ? 1 : (int)(end - path),
                 end == path ? "." : path, name);
        if (access(ret_path, X_OK) == 0)
            return;
        if (errno == EACCES)
            error = EACCES;
    }
    die(error == ENOENT ? EXIT_NOT_FOUND : EXIT_UNUSABLE, "%s: %s", name, strerror(error));
}

static bool read_at(int fd, void *to, size_t size, uint64_t at)
{
    return pread(fd, to, size, (off_t)at) == (ssize_t)size;
}

/* The program's dynamic linker; an empty string if it has none. */
static void read_interpreter(int fd, const Elf64_Ehdr *header, char *ret_path)
{
    Elf64_Phdr segment;

    *ret_path = '\0';
    for (unsigned i = 0; i < header->e_phnum; i++) {
        if (!read_at(fd, &segment, sizeof segment, header->e_phoff + i * sizeof segment))
            return;
        if (segment.p_type != PT_INTERP || segment.p_filesz >= PATH_MAX)
            continue;
        if (read_at(fd, ret_path, segment.p_filesz, segment.p_offset))
            ret_path[segment.p_filesz] = '\0';
        return;
    }
}

static void check_elf(const char *path, int fd, const Elf64_Ehdr *header)
{
    char interpreter[PATH_MAX];

    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
        die(EXIT_UNUSABLE, "%s: not a program for x86-64", path);
    read_interpreter(fd, header, interpreter);
    if (!*interpreter)
        die(EXIT_UNUSABLE,
            "%s: statically linked: no dynamic linker, so LD_PRELOAD cannot reach it; link it "
            "dynamically",
            path);
    if (strstr(interpreter, "/ld-musl"))
        die(EXIT_UNUSABLE, "%s: linked with musl, and the model's library needs glibc", path);
}

/* Whether executing it gives the process rights that the caller has not: AT_SECURE. */
static void check_rights(const char *path, int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        die(EXIT_UNUSABLE, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        die(EXIT_UNUSABLE, "%s: not a program", path);
    if ((st.st_mode & S_ISUID && st.st_uid != geteuid()) ||
        (st.st_mode & S_ISGID && st.st_mode & S_IXGRP && st.st_gid != getegid()))
        die(EXIT_UNUSABLE,
            "%s: set-user-ID or set-group-ID: the dynamic linker ignores LD_PRELOAD for it", path);
    if (geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
        die(EXIT_UNUSABLE,
            "%s: has file capabilities: the dynamic linker ignores LD_PRELOAD for it", path);
}

/* A script is as good as its interpreter. True if path is one; its interpreter replaces it. */
static bool is_script(int fd, char *path)
{
    char line[PATH_MAX];
    ssize_t size = pread(fd, line, sizeof line - 1, 0);
    char *name;

    if (size < 3 || line[0] != '#' || line[1] != '!')
        return false;
    line[size] = '\0';
    name = line + 2 + strspn(line + 2, " \t");
    name[strcspn(name, " \t\n")] = '\0';
    snprintf(path, PATH_MAX, "%s", name);
    return true;
}

/* Refuse what would run without the model. What cannot be read is left to exec. */
static void check(const char *program)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s", program);
    for (int depth = 0; depth < 5; depth++) {
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        Elf64_Ehdr header;

        if (fd < 0 && errno == ENOENT)
            die(EXIT_NOT_FOUND, "%s: %s", path, strerror(errno));
        if (fd < 0)
            return;
        check_rights(path, fd);
        if (read_at(fd, &header, sizeof header, 0) &&
            memcmp(header.e_ident, ELFMAG, SELFMAG) == 0) {
            check_elf(path, fd, &header);
            close(fd);
            return;
        }
        if (!is_script(fd, path))
            depth = 5;
        close(fd);
    }
}

/* ------------------------------------------------------------------ main */

/* Options end at the first word that is none. Returns its index. */
static int take_options(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0)
            return i + 1;
        if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            exit(0);
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("ap-run " APERTURE_VERSION);
            exit(0);
        } else if (strcmp(argv[i], "--quiet") == 0) {
            setenv("APERTURE_QUIET", "1", 1);
        } else if (strcmp(argv[i], "--trace") == 0) {
            setenv("APERTURE_TRACE", "1", 1);
        } else if (strncmp(argv[i], "--trace=", 8) == 0 && argv[i][8]) {
            setenv("APERTURE_TRACE", argv[i] + 8, 1);
        } else {
            usage(stderr);
            exit(EXIT_OURS);
        }
    }
    return i;
}

int main(int argc, char **argv)
{
    const int at = take_options(argc, argv);
    char library[PATH_MAX], program[PATH_MAX];

    if (at >= argc) {
        usage(stderr);
        return EXIT_OURS;
    }
    find_library(library);
    find_program(argv[at], program);
    check(program);
    preload(library);
    execv(program, argv + at);
    die(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_UNUSABLE, "%s: %s", program, strerror(errno));
}
