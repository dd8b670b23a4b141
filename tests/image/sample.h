/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample.h - a good enclave image in memory, for tests to spoil
 */
#ifndef TESTS_IMAGE_SAMPLE_H
#define TESTS_IMAGE_SAMPLE_H

#include <elf.h>

#include "image/plan.h"

struct sample {
    uint8_t *bytes;
    size_t size;
};

/* The built test enclave, unsigned. Release with sample_free(). */
struct sample sample_load(void);
void sample_free(struct sample *sample);

/* The same with a layout page, from a configuration that has one of everything. */
struct sample sample_load_laid_out(void);

/* Parts of it, to be changed in place. The nth of its type, counting from 0; NULL if none. */
Elf64_Ehdr *sample_header(struct sample *sample);
Elf64_Phdr *sample_segment(struct sample *sample, uint32_t type, unsigned nth);
Elf64_Shdr *sample_section(struct sample *sample, const char *name);
Elf64_Dyn *sample_dynamic(struct sample *sample, int64_t tag);
Elf64_Rela *sample_relocation(struct sample *sample);
struct ap_layout *sample_layout(struct sample *sample);
uint8_t *sample_sigstruct(struct sample *sample); /* not aligned */

/* What the image code says about it: "" if it is accepted. plan_make() is asked, too. */
const char *sample_verdict(const struct sample *sample);

#endif
