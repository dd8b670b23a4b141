/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - files that are there as a whole or not at all */
#ifndef EDL_OUTPUT_H
#define EDL_OUTPUT_H

#include "compile.h"

/*
 * output_write() - write one file of a compilation
 * @folder: made if it is not there, with those above it
 *
 * The file takes its name only when it is complete. false after an error was reported; a file of
 * that name is then as it was.
 */
bool output_write(struct edl *edl, const char *folder, const struct compiled *compiled,
                  enum output which);

/*
 * output_write_dependencies() - for make and ninja: the outputs, and every file that was read
 * @folders: of each output
 */
bool output_write_dependencies(struct edl *edl, const char *path, const struct compiled *compiled,
                               const char *const folders[OUTPUT_COUNT]);

#endif
