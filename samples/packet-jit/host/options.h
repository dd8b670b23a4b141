/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the command line
 */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
    const char *enclave; /* path of the signed enclave */
    const char *capture; /* path of the capture; NULL with invalid */
    const char *const *expressions;
    unsigned expression_count;
    uint32_t repeat; /* times over the capture, for timing */
    bool quiet;      /* only what is wrong, and the last line */
    bool invalid;    /* show how invalid programs are refused */
};

/* 0; 1 if help was asked for, and given; -1 after a complaint and the usage on stderr. */
int options_parse(int argc, char **argv, struct options *ret_options);

#endif
