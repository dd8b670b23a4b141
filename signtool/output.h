/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - files that appear whole or not at all
 *
 * An output is written beside its destination under a temporary name and renamed at the end. Until
 * then the destination is untouched; a failure or a signal removes the temporary file.
 */
#ifndef SIGNTOOL_OUTPUT_H
#define SIGNTOOL_OUTPUT_H

#include <stdio.h>

#include "say.h"

struct output {
    const char *path; /* borrowed; NULL if there is nothing to clean up */
    char *temporary;
    FILE *file;
};

/* 0, or -1 with the sentence and nothing to clean up. What exists at path must be a regular file.
 */
int output_begin(struct output *output, const char *path, struct failure *failure);

/* 0, or -1 with the sentence. */
int output_write(struct output *output, const void *bytes, size_t size, struct failure *failure);

/*
 * Everything to the disk, then the renames, the first output last: it appears only if the others
 * did. 0, or -1 with the sentence; then what was not renamed is removed. Afterwards the outputs are
 * done with either way.
 */
int output_commit(struct output *outputs, size_t count, struct failure *failure);

/* Removes the temporary file. Harmless after output_commit(). */
void output_abandon(struct output *output);

#endif
