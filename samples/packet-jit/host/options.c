/* SPDX-License-Identifier: Apache-2.0 */
#include "host/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/expressions.h"

#define REPEAT_DEFAULT 200
#define REPEAT_MAX     1000000

static const char usage[] =
    "usage: packet-jit [--repeat N] [--quiet] ENCLAVE CAPTURE [EXPRESSION...]\n"
    "       packet-jit --invalid ENCLAVE\n"
    "\n"
    "Compile tcpdump expressions inside ENCLAVE (a file that ap-sign wrote), run them over "
    "CAPTURE\n"
    "(Ethernet, pcap or pcapng), and compare every verdict with libpcap's. Without an EXPRESSION\n"
    "a list of them is used.\n"
    "\n"
    "  --repeat N   times to go over the capture when measuring time, 1 to 1000000 (200)\n"
    "  --quiet      print nothing but what is wrong and the last line\n"
    "  --invalid    hand over programs that are not valid, and show how each is refused\n"
    "\n"
    "Exit status: 0 if everything agreed, 1 if not or something failed, 2 for a wrong usage.\n";

static int complain(const char *what, const char *about)
{
    fprintf(stderr, "packet-jit: %s%s\n%s", what, about, usage);
    return -1;
}

static bool parse_repeat(const char *text, uint32_t *ret_repeat)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 1 || value > REPEAT_MAX)
        return false;
    *ret_repeat = (uint32_t)value;
    return true;
}

static int parse_files(int count, char **argument, struct options *o)
{
    if (count < 1)
        return complain("no enclave given", "");
    o->enclave = argument[0];
    if (o->invalid)
        return count == 1 ? 0 : complain("--invalid takes only an enclave, not ", argument[1]);
    if (count < 2)
        return complain("no capture given", "");
    o->capture = argument[1];
    if (count > 2) {
        o->expressions = (const char *const *)&argument[2];
        o->expression_count = (unsigned)count - 2;
    }
    return 0;
}

int options_parse(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {
        {"repeat", required_argument, NULL, 'r'},
        {"quiet", no_argument, NULL, 'q'},
        {"invalid", no_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options o = {
        .expressions = expressions,
        .expression_count = EXPRESSIONS,
        .repeat = REPEAT_DEFAULT,
    };
    int r;

    while ((r = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (r) {
        case 'r':
            if (!parse_repeat(optarg, &o.repeat))
                return complain("--repeat wants a number from 1 to 1000000, not ", optarg);
            break;
        case 'q':
            o.quiet = true;
            break;
        case 'i':
            o.invalid = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 1;
        default: /* getopt has said what is wrong */
            fputs(usage, stderr);
            return -1;
        }
    }
    r = parse_files(argc - optind, argv + optind, &o);
    if (r == 0)
        *ret_options = o;
    return r;
}
