/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import.h - a file and all that it imports become one interface
 *
 * `import *` brings every ecall and ocall of a file, and of the files that it imports. `import a,
 * b` brings the two, wherever among these they are declared. Types and headers come in either case.
 * A file that is reached on several ways counts once.
 */
#ifndef EDL_IMPORT_H
#define EDL_IMPORT_H

#include "edl.h"
#include "tree.h"

/*
 * import_file() - read a file and its imports
 * @name: as on the command line
 *
 * Own functions come first, then those of the imports, in the order of the text; types come in the
 * order in which C needs them, imported ones first. NULL if the file cannot be read, or if imports
 * lead in a circle: nothing can be checked then. Other errors are reported and the result is what
 * can be had.
 */
struct interface *import_file(struct edl *edl, const char *name);

#endif
