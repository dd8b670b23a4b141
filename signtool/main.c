/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - ap-sign's command line; see ap-sign.1 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "date.h"
#include "say.h"

#define EXIT_USAGE 2

enum { OPTION_DATE = 256, OPTION_SGXS, OPTION_ALLOW_ILLEGAL };

static const char usage_text[] =
    "usage: ap-sign sign -e ENCLAVE.so -c CONFIG.xml -k KEY.pem -o OUTPUT\n"
    "                    [--date YYYYMMDD] [--sgxs FILE] [--allow-illegal] [-q]\n"
    "       ap-sign dump FILE\n"
    "       ap-sign --help | --version\n";

static const char help_text[] =
    "\n"
    "sign  lays out the enclave as the configuration says, measures it and signs it\n"
    "  -e, --enclave FILE   the enclave, as the linker made it\n"
    "  -c, --config FILE    the signing configuration, XML\n"
    "  -k, --key FILE       RSA private key, PEM, 3072 bits, exponent 3\n"
    "  -o, --output FILE    where the signed enclave goes\n"
    "      --date YYYYMMDD  the signature's date; else SOURCE_DATE_EPOCH, else today\n"
    "      --sgxs FILE      also write what is measured; sha256sum FILE gives MRENCLAVE\n"
    "      --allow-illegal  only warn about instructions that cannot run in an enclave\n"
    "  -q, --quiet          print nothing but warnings and errors\n"
    "dump  prints a signed enclave: SIGSTRUCT, aperture, load plan, and whether it all fits\n"
    "\n"
    "The manual is ap-sign(1).\n";

static int usage(void)
{
    fputs(usage_text, stderr);
    return EXIT_USAGE;
}

/* Output that got lost is a failure too. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    say_error("standard output cannot be written: %s", strerror(errno));
    return EXIT_FAILURE;
}

static int take_option(int option, struct sign_options *o)
{
    struct failure f;

    switch (option) {
    case 'e':
        o->enclave = optarg;
        return 0;
    case 'c':
        o->config = optarg;
        return 0;
    case 'k':
        o->key = optarg;
        return 0;
    case 'o':
        o->output = optarg;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    case OPTION_SGXS:
        o->sgxs = optarg;
        return 0;
    case OPTION_ALLOW_ILLEGAL:
        o->allow_illegal = true;
        return 0;
    case OPTION_DATE:
        if (date_parse(optarg, &o->date, &f) == 0)
            return 0;
        say_error("--date: %s", f.text);
        return -1;
    default:
        return -1; /* getopt has said why */
    }
}

static int sign_main(int argc, char **argv)
{
    static const struct option options[] = {
        {"enclave", required_argument, NULL, 'e'},
        {"config", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"output", required_argument, NULL, 'o'},
        {"quiet", no_argument, NULL, 'q'},
        {"date", required_argument, NULL, OPTION_DATE},
        {"sgxs", required_argument, NULL, OPTION_SGXS},
        {"allow-illegal", no_argument, NULL, OPTION_ALLOW_ILLEGAL},
        {0},
    };
    struct sign_options o = {0};
    int option;

    argv[0] = (char *)"ap-sign"; /* getopt's messages begin with it */
    while ((option = getopt_long(argc, argv, "e:c:k:o:q", options, NULL)) != -1) {
        if (take_option(option, &o) < 0)
            return usage();
    }
    if (optind != argc || !o.enclave || !o.config || !o.key || !o.output)
        return usage();
    if (o.sgxs && strcmp(o.sgxs, o.output) == 0) {
        say_error("--sgxs and --output name the same file");
        return usage();
    }
    return finish(command_sign(&o));
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0) {
        printf("%s%s", usage_text, help_text);
        return finish(EXIT_SUCCESS);
    }
    if (strcmp(command, "--version") == 0) {
        puts("ap-sign " APERTURE_VERSION);
        return finish(EXIT_SUCCESS);
    }
    if (strcmp(command, "sign") == 0)
        return sign_main(argc - 1, argv + 1);
    if (strcmp(command, "dump") == 0 && argc == 3)
        return finish(command_dump(argv[2]));
    return usage();
}
