/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGNTOOL_LAYOUT_H
#define SIGNTOOL_LAYOUT_H

#include "config.h"
#include "image/elf.h"
#include "say.h"

/*
 * layout_make() - lay out ELRANGE: from what the author wants and what the image is to the layout
 * page. See abi/layout.h for the order. 0, or -1 with the sentence if it does not fit; ret_layout
 * is written on success only.
 */
int layout_make(const struct config *config, const struct elf *elf, struct ap_layout *ret_layout,
                struct failure *failure);

#endif
