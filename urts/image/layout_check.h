/* SPDX-License-Identifier: Apache-2.0 */
#ifndef URTS_IMAGE_LAYOUT_CHECK_H
#define URTS_IMAGE_LAYOUT_CHECK_H

#include "image/elf.h"
#include "image/plan.h"

/*
 * layout_check() - the invariant of a layout page, and its agreement with the image it stands in
 *
 * After success every offset and size lies in ELRANGE, rows ascend with guards between them, and
 * sums over rows or slots cannot wrap. 0, or -ENOEXEC with the sentence in error.
 */
int layout_check(const struct ap_layout *layout, const struct elf *elf, struct image_error *error);

/* The rows' part of it, in a file of its own. */
int layout_check_regions(const struct ap_layout *layout, const char *name,
                         struct image_error *error);

#endif
