/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - ap-edl's command line; see ap-edl.1 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "output.h"

#define EXIT_USAGE 2

enum {
    OPTION_SEARCH_PATH = 256,
    OPTION_USE_PREFIX,
    OPTION_HEADER_ONLY,
    OPTION_TRUSTED,
    OPTION_UNTRUSTED,
    OPTION_TRUSTED_DIR,
    OPTION_UNTRUSTED_DIR,
    OPTION_DEPFILE,
    OPTION_LIST_WARNINGS,
    OPTION_HELP,
    OPTION_VERSION,
};

struct command {
    bool trusted, untrusted, header_only, use_prefix;
    const char *trusted_dir, *untrusted_dir, *depfile;
    const char **search; /* grows from its end: a later --search-path is looked at earlier */
    size_t search_first, search_end;
    const char **defines;
    size_t define_count;
    const char **warnings; /* what followed each -W */
    size_t warning_count;
};

static const char usage_text[] = "usage: ap-edl [options] FILE.edl...\n"
                                 "       ap-edl --help | --version | --list-warnings\n";

static const char help_text[] =
    "\n"
    "Makes NAME_t.h and NAME_t.c for the enclave, NAME_u.h and NAME_u.c for its host.\n"
    "  --search-path FOLDERS   where imported files are looked for, separated by ':'\n"
    "  --use-prefix            the host's functions are called NAME_function\n"
    "  --header-only           make the headers only\n"
    "  --trusted               make the enclave's files only\n"
    "  --untrusted             make the host's files only\n"
    "  --trusted-dir FOLDER    where the enclave's files go; made if need be\n"
    "  --untrusted-dir FOLDER  where the host's files go; made if need be\n"
    "  --depfile FILE          write what the output depends on, as make and ninja want it\n"
    "  -D, --define NAME[=VALUE]  define a macro for the files' #if\n"
    "  -WNAME, -Wno-NAME       warn of that, or do not; see --list-warnings; -Wall for all\n"
    "  -Werror, -Werror=NAME   warnings, or one of them, are errors; -Wno-error=NAME is not\n"
    "\n"
    "The manual is ap-edl(1).\n";

static int usage(void)
{
    fputs(usage_text, stderr);
    return EXIT_USAGE;
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);

    if (!memory) {
        fputs("ap-edl: error: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* In front of those that are there, in their own order. */
static void add_search_path(struct command *c, char *folders)
{
    size_t count = 1;

    for (const char *p = folders; *p; p++)
        count += *p == ':';
    c->search_first -= count;
    for (size_t i = 0; i < count; i++) {
        char *folder = strsep(&folders, ":");

        c->search[c->search_first + i] = *folder ? folder : ".";
    }
}

static int print_and_exit(int option)
{
    if (option == OPTION_VERSION)
        puts("ap-edl " APERTURE_VERSION);
    else if (option == OPTION_LIST_WARNINGS)
        report_list_warnings(stdout);
    else
        printf("%s%s", usage_text, help_text);
    if (fflush(stdout) == 0 && !ferror(stdout))
        exit(EXIT_SUCCESS);
    fprintf(stderr, "ap-edl: error: standard output cannot be written: %s\n", strerror(errno));
    exit(EXIT_FAILURE);
}

static bool take_option(int option, struct command *c)
{
    struct report scratch;

    switch (option) {
    case OPTION_SEARCH_PATH:
        add_search_path(c, optarg);
        return true;
    case OPTION_USE_PREFIX:
        return c->use_prefix = true;
    case OPTION_HEADER_ONLY:
        return c->header_only = true;
    case OPTION_TRUSTED:
        return c->trusted = true;
    case OPTION_UNTRUSTED:
        return c->untrusted = true;
    case OPTION_TRUSTED_DIR:
        c->trusted_dir = optarg;
        return true;
    case OPTION_UNTRUSTED_DIR:
        c->untrusted_dir = optarg;
        return true;
    case OPTION_DEPFILE:
        c->depfile = optarg;
        return true;
    case 'D':
        c->defines[c->define_count++] = optarg;
        return true;
    case 'W':
        report_init(&scratch, NULL);
        if (!report_option(&scratch, optarg)) {
            fprintf(stderr, "ap-edl: error: there is no warning '-W%s'; see --list-warnings\n",
                    optarg);
            return false;
        }
        c->warnings[c->warning_count++] = optarg;
        return true;
    case OPTION_HELP:
    case OPTION_VERSION:
    case OPTION_LIST_WARNINGS:
        return print_and_exit(option);
    default:
        return false; /* getopt has said why */
    }
}

static bool is_macro_name(const char *text)
{
    size_t size = strcspn(text, "=");

    return size && !strchr("0123456789", text[0]) &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") >= size;
}

static bool parse_command(int argc, char **argv, struct command *c)
{
    static const struct option options[] = {
        {"search-path", required_argument, NULL, OPTION_SEARCH_PATH},
        {"use-prefix", no_argument, NULL, OPTION_USE_PREFIX},
        {"header-only", no_argument, NULL, OPTION_HEADER_ONLY},
        {"trusted", no_argument, NULL, OPTION_TRUSTED},
        {"untrusted", no_argument, NULL, OPTION_UNTRUSTED},
        {"trusted-dir", required_argument, NULL, OPTION_TRUSTED_DIR},
        {"untrusted-dir", required_argument, NULL, OPTION_UNTRUSTED_DIR},
        {"depfile", required_argument, NULL, OPTION_DEPFILE},
        {"define", required_argument, NULL, 'D'},
        {"list-warnings", no_argument, NULL, OPTION_LIST_WARNINGS},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {0},
    };
    int option;

    argv[0] = (char *)"ap-edl"; /* getopt's messages begin with it */
    while ((option = getopt_long(argc, argv, "D:W:", options, NULL)) != -1) {
        if (!take_option(option, c))
            return false;
    }
    for (size_t i = 0; i < c->define_count; i++) {
        if (is_macro_name(c->defines[i]))
            continue;
        fprintf(stderr, "ap-edl: error: -D %s does not begin with a macro's name\n", c->defines[i]);
        return false;
    }
    if (!c->trusted && !c->untrusted)
        c->trusted = c->untrusted = true;
    return optind < argc;
}

static bool write_outputs(struct edl *edl, const struct command *c, const struct compiled *compiled)
{
    const char *folders[OUTPUT_COUNT] = {c->trusted_dir, c->trusted_dir, c->untrusted_dir,
                                         c->untrusted_dir};

    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (compiled->text[i] && !output_write(edl, folders[i], compiled, i))
            return false;
    }
    return !c->depfile || output_write_dependencies(edl, c->depfile, compiled, folders);
}

static bool compile_one(const struct command *c, const char *file)
{
    struct compile_options options = {
        .wanted =
            {
                [OUTPUT_TRUSTED_HEADER] = c->trusted,
                [OUTPUT_TRUSTED_SOURCE] = c->trusted && !c->header_only,
                [OUTPUT_UNTRUSTED_HEADER] = c->untrusted,
                [OUTPUT_UNTRUSTED_SOURCE] = c->untrusted && !c->header_only,
            },
        .use_prefix = c->use_prefix,
    };
    struct compiled compiled;
    struct edl edl;
    bool ok;

    edl_init(&edl, stderr);
    edl.search = c->search + c->search_first;
    edl.search_count = c->search_end - c->search_first;
    edl.defines = c->defines;
    edl.define_count = c->define_count;
    for (size_t i = 0; i < c->warning_count; i++)
        report_option(&edl.report, c->warnings[i]);
    ok = compile(&edl, file, &options, &compiled) && write_outputs(&edl, c, &compiled);
    if (edl.report.errors > REPORT_ERRORS_MAX)
        fprintf(stderr, "ap-edl: %u more errors are not shown\n",
                edl.report.errors - REPORT_ERRORS_MAX);
    edl_free(&edl);
    return ok;
}

/* No list can have more entries than the command line has characters. */
static size_t count_characters(int argc, char **argv)
{
    size_t count = 1;

    for (int i = 0; i < argc; i++)
        count += strlen(argv[i]) + 1;
    return count;
}

int main(int argc, char **argv)
{
    struct command c = {.trusted_dir = ".", .untrusted_dir = "."};
    size_t most = count_characters(argc, argv);
    int status = EXIT_SUCCESS;

    c.search = allocate(most, sizeof *c.search);
    c.search_first = c.search_end = most;
    c.defines = allocate(most, sizeof *c.defines);
    c.warnings = allocate(most, sizeof *c.warnings);
    if (!parse_command(argc, argv, &c)) {
        status = usage();
    } else if (c.depfile && optind + 1 < argc) {
        fputs("ap-edl: error: --depfile is for one file at a time\n", stderr);
        status = usage();
    } else {
        for (int i = optind; i < argc; i++) {
            if (!compile_one(&c, argv[i]))
                status = EXIT_FAILURE;
        }
    }
    free(c.search);
    free(c.defines);
    free(c.warnings);
    return status;
}
