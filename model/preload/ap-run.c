/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ap-run - run a program on the software SGX2
 *
 * A program whose dynamic linker is glibc's gets LD_PRELOAD: this becomes the program. Any other is
 * hosted: libsgx2.so maps it into this process (preload/hosted.h). Neither is done to a program
 * that runs with more rights than the caller.
 */
#include <dlfcn.h>
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

#include "driver/platform.h"
#include "driver/rules.h"
#include "instrument/cost.h"
#include "preload/program.h"

#define LIBRARY   "libsgx2.so"
#define COST_FILE "cost.tsv"

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
    fputs("usage: ap-run [--quiet] [--trace[=FILE]] [--trace-json[=FILE]] [--count[=FILE]]\n"
          "              [--cost[=PLATFORM]] [--hostile FILE] [--raw] [--abort-pages]\n"
          "              PROGRAM [ARGUMENT ...]\n"
          "       ap-run --new-platform FILE\n"
          "       ap-run --help | --version\n"
          "\n"
          "Runs PROGRAM, which may be any program for /dev/sgx_enclave, on the software SGX2.\n"
          "  --quiet         do not say that this is the model\n"
          "  --trace[=FILE]  print every leaf, ioctl, exit and fault to standard error or FILE\n"
          "  --trace-json[=FILE]  the same, one JSON object a line\n"
          "  --count[=FILE]  at an enclave's end, its counters, in all and of each thread\n"
          "  --cost[=PLATFORM]  and what they would cost on hardware, as far as is published\n"
          "  --new-platform FILE  write a machine of its own to FILE, for APERTURE_PLATFORM=FILE\n"
          "  --hostile FILE  let the kernel misbehave by the rules in FILE: aperture-hostile(5)\n"
          "  --raw           see system calls that PROGRAM makes past libc as well: slower\n"
          "  --abort-pages   let PROGRAM read ones where enclave memory is, as on hardware\n"
          "  --argv0 NAME    the program's name to itself\n",
          to);
}

/* ------------------------------------------------------------------ the library */

/* The folder of this program, with a slash at its end. */
static void find_self(char *ret_folder)
{
    const ssize_t size = readlink("/proc/self/exe", ret_folder, PATH_MAX - 1);

    if (size < 0)
        die(EXIT_OURS, "cannot find itself: /proc/self/exe: %s", strerror(errno));
    ret_folder[size] = '\0';
    strrchr(ret_folder, '/')[1] = '\0';
}

/* The first of some places relative to this program that is there. */
static bool find_beside(const char *const *places, size_t count, char *ret_path)
{
    char self[PATH_MAX], path[2 * PATH_MAX];

    find_self(self);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s%s", self, places[i]);
        if (realpath(path, ret_path))
            return true;
    }
    return false;
}

/* Beside this program, as built, or where it was installed relative to it. */
static void find_library(char *ret_path)
{
    static const char *const places[] = {LIBRARY, APERTURE_LIBDIR "/" LIBRARY};
    char self[PATH_MAX];

    if (find_beside(places, sizeof places / sizeof *places, ret_path))
        return;
    find_self(self);
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

/*
 * AddressSanitizer as a shared library ends a program in which another library comes before it.
 * Ours defines none of the functions that it replaces the allocator by, and hands on what both
 * have.
 */
static void pacify_asan(void)
{
    static const char calm[] = "verify_asan_link_order=0";
    const char *others = getenv("ASAN_OPTIONS");
    char *value;

    if (others && strstr(others, "verify_asan_link_order"))
        return;
    if (asprintf(&value, "%s%s%s", calm, others && *others ? ":" : "", others ? others : "") < 0 ||
        setenv("ASAN_OPTIONS", value, 1) < 0)
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
    if (!*name)
        path = NULL;
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

/* How to run it. */
enum way {
    WAY_PRELOAD,
    WAY_HOST,
    WAY_SCRIPT,
    WAY_EXEC, /* what it is cannot be seen: exec says why */
};

static enum way find_way(const char *path, int fd)
{
    char interpreter[PATH_MAX];
    struct program program;
    const char *wrong = program_read(fd, &program, interpreter);

    if (wrong)
        die(EXIT_UNUSABLE, "%s: %s", path, wrong);
    if (*interpreter && access(interpreter, R_OK) < 0)
        die(EXIT_UNUSABLE, "%s: its interpreter %s: %s", path, interpreter, strerror(errno));
    return program_is_hosted(interpreter) ? WAY_HOST : WAY_PRELOAD;
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
        die(EXIT_UNUSABLE, "%s: set-user-ID or set-group-ID: the model cannot get in between",
            path);
    if (geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
        die(EXIT_UNUSABLE, "%s: has file capabilities: the model cannot get in between", path);
}

/* ------------------------------------------------------------------ scripts */

/* What is to be run, once scripts have been followed to their interpreters. */
struct command {
    char path[PATH_MAX];
    char **argv; /* with room for two more words before it for each script */
};

/*
 * A script is as good as its interpreter, which gets what stands behind it in the first line, and
 * the script's path in place of its name. True if it is one.
 */
static bool follow_script(int fd, struct command *c)
{
    char name[PATH_MAX], argument[PATH_MAX];

    if (!program_script(fd, name, argument))
        return false;
    c->argv[0] = strdup(c->path);
    if (*argument)
        *--c->argv = strdup(argument);
    *--c->argv = strdup(name);
    snprintf(c->path, sizeof c->path, "%s", name);
    return true;
}

/* Follow scripts; refuse what would run without the model. */
static enum way resolve(struct command *c)
{
    for (int depth = 0; depth < PROGRAM_SCRIPTS; depth++) {
        const int fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would wait */
        enum way way = WAY_EXEC;
        char magic[SELFMAG];

        if (fd < 0 && errno == ENOENT)
            die(EXIT_NOT_FOUND, "%s: %s", c->path, strerror(errno));
        if (fd < 0)
            return WAY_EXEC;
        check_rights(c->path, fd);
        if (read_at(fd, magic, sizeof magic, 0) && memcmp(magic, ELFMAG, SELFMAG) == 0)
            way = find_way(c->path, fd);
        else if (follow_script(fd, c))
            way = WAY_SCRIPT;
        close(fd);
        if (way != WAY_SCRIPT)
            return way;
    }
    die(EXIT_UNUSABLE, "%s: a script of a script of a script", c->path);
}

/* ------------------------------------------------------------------ both ways */

/* The program's own LD_PRELOAD must not bring the library once more, for its libc. */
static void forget_preload(const char *library)
{
    const char *value = getenv("LD_PRELOAD");
    const size_t length = strlen(library);

    if (!value || strncmp(value, library, length) != 0)
        return;
    if (value[length] == ':' && value[length + 1])
        setenv("LD_PRELOAD", strdup(value + length + 1), 1);
    else if (!value[length] || value[length] == ':')
        unsetenv("LD_PRELOAD");
}

__attribute__((noreturn)) static void host(const char *library, const struct command *c, bool raw)
{
    void (*start)(const char *, char *const[], char *const[], bool);
    void *handle = dlopen(library, RTLD_NOW);

    if (!handle)
        die(EXIT_OURS, "%s", dlerror());
    *(void **)&start = dlsym(handle, "aperture_host");
    if (!start)
        die(EXIT_OURS, "%s: %s", library, dlerror());
    forget_preload(library);
    start(c->path, c->argv, environ, raw);
    abort();
}

/* ------------------------------------------------------------------ the instrument */

/* Programs change their working folder, and open the file when they first need it. */
static bool set_file(const char *variable, const char *file)
{
    char here[PATH_MAX], whole[2 * PATH_MAX];

    if (*file == '/' || !getcwd(here, sizeof here))
        return setenv(variable, file, 1) == 0;
    snprintf(whole, sizeof whole, "%s/%s", here, file);
    return setenv(variable, whole, 1) == 0;
}

/* --NAME sets the variable to 1, --NAME=VALUE to the value. False: neither. */
static bool sets(const char *option, const char *name, const char *variable)
{
    const size_t size = strlen(name);

    if (strncmp(option, name, size) != 0)
        return false;
    if (!option[size])
        return setenv(variable, "1", 1) == 0;
    if (option[size] != '=' || !option[size + 1])
        return false;
    if (strcmp(variable, "APERTURE_COST") == 0) /* a platform */
        return setenv(variable, option + size + 1, 1) == 0;
    return set_file(variable, option + size + 1);
}

static bool take_instrument(const char *option)
{
    return sets(option, "--trace-json", "APERTURE_TRACE_JSON") ||
           sets(option, "--count", "APERTURE_COUNT") || sets(option, "--cost", "APERTURE_COST");
}

/* The figures, unless the caller has his own. A bad file is refused now, not when all is over. */
static void prepare_cost(void)
{
    static const char *const places[] = {COST_FILE, APERTURE_DATADIR "/aperture/" COST_FILE};
    const char *platform = getenv("APERTURE_COST"), *file = getenv("APERTURE_COST_FILE");
    static struct cost_table table;
    char path[PATH_MAX];
    struct cost_error error;

    if (!platform || !*platform || strcmp(platform, "0") == 0)
        return;
    if (file && *file)
        snprintf(path, sizeof path, "%s", file);
    else if (!find_beside(places, sizeof places / sizeof *places, path))
        die(EXIT_OURS, "%s is neither beside it nor in %s/aperture", COST_FILE, APERTURE_DATADIR);
    if (cost_load(path, &table, &error) < 0)
        die(EXIT_OURS, "%s:%u: %s", path, error.line, error.text);
    if (strcmp(platform, "1") != 0 && !cost_has_platform(&table, platform)) {
        fprintf(stderr, "ap-run: %s has no figures of '%s', but of: ", path, platform);
        cost_print_platforms(stderr, &table);
        fputc('\n', stderr);
        exit(EXIT_OURS);
    }
    setenv("APERTURE_COST_FILE", path, 1);
}

/* ------------------------------------------------------------------ a hostile host */

/* Said now, not when the program opens its first enclave. The program may change its folder. */
static void take_rules(const char *path)
{
    char whole[PATH_MAX];
    struct rules rules;

    if (!rules_load(path, &rules))
        exit(EXIT_OURS);
    if (!realpath(path, whole) || setenv("APERTURE_HOSTILE", whole, 1) < 0)
        die(EXIT_OURS, "%s: %s", path, strerror(errno));
}

/* ------------------------------------------------------------------ --new-platform */

/* A file that is there is not overwritten: what was sealed under it would be lost. */
static void new_platform(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct platform platform;
    char text[PLATFORM_TEXT_MAX];

    if (fd < 0)
        die(EXIT_OURS, "%s: %s", path, strerror(errno));
    if (!platform_random(&platform)) {
        unlink(path);
        die(EXIT_OURS, "libcrypto has no random numbers");
    }
    platform_write(&platform, text);
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) < 0) {
        const int error = errno;

        unlink(path);
        die(EXIT_OURS, "%s: %s", path, strerror(error));
    }
    exit(0);
}

/* ------------------------------------------------------------------ main */

struct options {
    bool raw;
    const char *argv0;
};

/* Options end at the first word that is none. Returns its index. */
static int take_options(int argc, char **argv, struct options *ret)
{
    int i;

    *ret = (struct options){0};
    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0)
            return i + 1;
        if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            exit(0);
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("ap-run " APERTURE_VERSION);
            exit(0);
        } else if (strcmp(argv[i], "--new-platform") == 0 && argv[i + 1] && !argv[i + 2]) {
            new_platform(argv[i + 1]);
        } else if (strcmp(argv[i], "--quiet") == 0) {
            setenv("APERTURE_QUIET", "1", 1);
        } else if (strcmp(argv[i], "--abort-pages") == 0) {
            setenv("APERTURE_ABORT_PAGES", "1", 1);
        } else if (strcmp(argv[i], "--trace") == 0) {
            setenv("APERTURE_TRACE", "1", 1);
        } else if (strncmp(argv[i], "--trace=", 8) == 0 && argv[i][8]) {
            set_file("APERTURE_TRACE", argv[i] + 8);
        } else if (strcmp(argv[i], "--hostile") == 0 && i + 1 < argc) {
            take_rules(argv[++i]);
        } else if (strcmp(argv[i], "--raw") == 0) {
            ret->raw = true;
        } else if (strcmp(argv[i], "--argv0") == 0 && i + 1 < argc) {
            ret->argv0 = argv[++i];
        } else if (take_instrument(argv[i])) {
            continue;
        } else {
            usage(stderr);
            exit(EXIT_OURS);
        }
    }
    return i;
}

/* The words after the options, with room before them for what scripts add. */
static char **copy_words(int count, char **words, const char *argv0)
{
    char **room = calloc(2 * PROGRAM_SCRIPTS + (size_t)count + 1, sizeof *room), **argv;

    if (!room)
        die(EXIT_OURS, "no memory");
    argv = room + 2 * PROGRAM_SCRIPTS;
    memcpy(argv, words, (size_t)count * sizeof *argv);
    if (argv0)
        argv[0] = strdup(argv0);
    return argv;
}

int main(int argc, char **argv)
{
    struct options options;
    const int at = take_options(argc, argv, &options);
    char library[PATH_MAX], program[PATH_MAX], self[PATH_MAX];
    struct command command;
    enum way way;

    if (at >= argc) {
        usage(stderr);
        return EXIT_OURS;
    }
    prepare_cost();
    find_library(library);
    if (realpath("/proc/self/exe", self)) /* for programs that the program starts: exec.c */
        setenv("APERTURE_RUN", self, 1);
    find_program(argv[at], program);
    argv = copy_words(argc - at, argv + at, options.argv0);
    command.argv = argv;
    snprintf(command.path, sizeof command.path, "%s", program);
    way = resolve(&command);
    if (way == WAY_HOST || (way == WAY_PRELOAD && options.raw))
        host(library, &command, options.raw);
    preload(library);
    pacify_asan();
    execv(program, argv); /* the kernel follows scripts by itself */
    die(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_UNUSABLE, "%s: %s", program, strerror(errno));
}
