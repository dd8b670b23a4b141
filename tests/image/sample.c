/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "config.h"
#include "image/elf.h"
#include "layout.h"

static const char configuration[] =
    "<EnclaveConfiguration><StackMaxSize>0x4000</StackMaxSize><HeapInitSize>0x3000</HeapInitSize>"
    "<HeapMaxSize>0x100000</HeapMaxSize><TCSNum>3</TCSNum><Aperture>"
    "<Region name='notes' size='0x20000' policy='data' initial='0x2000'/>"
    "<Region name='jit' size='0x40000' policy='publish' initial='0x1000'/>"
    "<Region name='old-jit' size='0x10000' policy='toggle'/></Aperture></EnclaveConfiguration>";

struct sample sample_load(void)
{
    FILE *file = fopen(TEST_ENCLAVE, "rb");
    struct sample s = {0};

    cr_assert(file, "cannot open %s", TEST_ENCLAVE);
    fseek(file, 0, SEEK_END);
    s.size = (size_t)ftell(file);
    rewind(file);
    s.bytes = malloc(s.size);
    cr_assert(s.bytes && fread(s.bytes, 1, s.size, file) == s.size);
    fclose(file);
    return s;
}

struct sample sample_load_laid_out(void)
{
    struct sample s = sample_load();
    struct config config;
    struct config_error config_error;
    struct image_error image_error;
    struct failure failure;
    struct elf elf;

    cr_assert(config_parse(configuration, strlen(configuration), &config, &config_error) == 0, "%s",
              config_error.text);
    cr_assert(elf_parse("sample", s.bytes, s.size, &elf, &image_error) == 0, "%s",
              image_error.text);
    cr_assert(layout_make(&config, &elf, sample_layout(&s), &failure) == 0, "%s", failure.text);
    return s;
}

void sample_free(struct sample *sample)
{
    free(sample->bytes);
}

Elf64_Ehdr *sample_header(struct sample *sample)
{
    return (Elf64_Ehdr *)sample->bytes;
}

Elf64_Phdr *sample_segment(struct sample *sample, uint32_t type, unsigned nth)
{
    Elf64_Phdr *p = (Elf64_Phdr *)(sample->bytes + sample_header(sample)->e_phoff);

    for (unsigned i = 0; i < sample_header(sample)->e_phnum; i++) {
        if (p[i].p_type == type && nth-- == 0)
            return &p[i];
    }
    return NULL;
}

Elf64_Shdr *sample_section(struct sample *sample, const char *name)
{
    Elf64_Shdr *s = (Elf64_Shdr *)(sample->bytes + sample_header(sample)->e_shoff);
    const char *names = (char *)sample->bytes + s[sample_header(sample)->e_shstrndx].sh_offset;

    for (unsigned i = 0; i < sample_header(sample)->e_shnum; i++) {
        if (strcmp(names + s[i].sh_name, name) == 0)
            return &s[i];
    }
    return NULL;
}

Elf64_Dyn *sample_dynamic(struct sample *sample, int64_t tag)
{
    Elf64_Phdr *p = sample_segment(sample, PT_DYNAMIC, 0);
    Elf64_Dyn *d = (Elf64_Dyn *)(sample->bytes + p->p_offset);

    while (d->d_tag != tag && d->d_tag != DT_NULL)
        d++;
    return d->d_tag == tag ? d : NULL;
}

/* The tables stand in the first segment, where addresses are file offsets. */
Elf64_Rela *sample_relocation(struct sample *sample)
{
    return (Elf64_Rela *)(sample->bytes + sample_dynamic(sample, DT_RELA)->d_un.d_ptr);
}

struct ap_layout *sample_layout(struct sample *sample)
{
    return (struct ap_layout *)(sample->bytes + sample_section(sample, ".aperture")->sh_offset);
}

uint8_t *sample_sigstruct(struct sample *sample)
{
    return sample->bytes + sample_section(sample, ".sigstruct")->sh_offset;
}

const char *sample_verdict(const struct sample *sample)
{
    static struct image_error error;
    struct image image;
    struct plan plan;

    error.text[0] = '\0';
    if (image_from_memory("sample", sample->bytes, sample->size, &image, &error) < 0)
        return error.text;
    if (image.layout.magic && plan_make(&image, &plan, &error) == 0)
        plan_free(&plan);
    image_close(&image);
    return error.text;
}
