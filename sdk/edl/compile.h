/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.h - from a file's name to the texts of four files
 */
#ifndef EDL_COMPILE_H
#define EDL_COMPILE_H

#include "edl.h"

enum output {
    OUTPUT_TRUSTED_HEADER,
    OUTPUT_TRUSTED_SOURCE,
    OUTPUT_UNTRUSTED_HEADER,
    OUTPUT_UNTRUSTED_SOURCE,
    OUTPUT_COUNT,
};

struct compile_options {
    bool wanted[OUTPUT_COUNT];
    bool use_prefix;
};

struct compiled {
    const char *name;               /* of the enclave, as its files begin: "vault" */
    const char *text[OUTPUT_COUNT]; /* NULL for what was not wanted; in the arena */
    size_t size[OUTPUT_COUNT];
};

/* "_t.h" and so on, what follows the name. */
extern const char *const output_endings[OUTPUT_COUNT];

/*
 * compile() - everything but writing files
 *
 * true: no error was reported and ret_compiled is filled. false: errors were reported;
 * ret_compiled is as it was.
 */
bool compile(struct edl *edl, const char *file, const struct compile_options *options,
             struct compiled *ret_compiled);

#endif
