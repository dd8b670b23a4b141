/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave_file.h"

#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/sigstruct.h"
#include "image/geometry.h"

#define CODE_OFFSET    0x2000u
#define DATA_OFFSET    0x3000u
#define IMAGE_SIZE     0x5000u
#define FILE_SIGNATURE 0x4000u
#define FILE_NAMES     0x5000u
#define FILE_SECTIONS  0x5040u
#define FILE_SIZE      (FILE_SECTIONS + 4 * sizeof(Elf64_Shdr))

static const char section_names[] = "\0.aperture\0.sigstruct\0.shstrtab";

static struct ap_region *add(struct ap_layout *l, const char *name, uint64_t pages,
                             uint64_t initial)
{
    struct ap_region *r = &l->region[l->region_count], *last = r - 1;
    uint64_t end = l->image_size;

    if (l->region_count++ > 0) {
        end = last->offset + last->pages * SGX_PAGE_SIZE;
        r->pagemap_index = last->pagemap_index + last->pages - last->initial;
    }
    strncpy(r->name, name, sizeof r->name - 1);
    r->offset = end + GEOMETRY_GUARD_SIZE;
    r->pages = pages;
    r->initial = initial;
    r->kind = AP_KIND_REGION;
    r->max_perm = AP_PERM_R | AP_PERM_W;
    return r;
}

static void add_fixed(struct ap_layout *l, bool is_static)
{
    struct ap_region *r = add(l, "heap", 39, is_static ? 39 : 2);

    r->kind = AP_KIND_HEAP;
    r->policy = AP_POLICY_DATA;
    if (!is_static) {
        r = add(l, "pagemap", 1, 1);
        r->kind = AP_KIND_PAGEMAP;
    }
    r = add(l, "threads", 0, 0);
    r->kind = AP_KIND_THREADS;
    geometry_slots(r->offset, ENCLAVE_FILE_SLOTS, GEOMETRY_STACK_MIN, l, &l->slots);
    r->pages = r->initial = ENCLAVE_FILE_SLOTS * (l->slots.slot_size / SGX_PAGE_SIZE);
}

void enclave_file_layout(const struct enclave_file *how, struct ap_layout *ret_layout)
{
    struct ap_layout *l = ret_layout;
    struct ap_region *r;

    *l = (struct ap_layout){
        .magic = AP_LAYOUT_MAGIC,
        .version = AP_LAYOUT_VERSION,
        .elrange_size = 0x400000,
        .image_size = IMAGE_SIZE,
        .entry = CODE_OFFSET,
        .attributes = {SGX_ATTR_MODE64BIT, SGX_XFRM_LEGACY},
        .attribute_mask = {~SGX_ATTR_DEBUG, ~UINT64_C(0)},
        .miscselect = SGX_MISC_EXINFO,
        .tls_align = 1,
    };
    if (how->is_provisioned)
        l->attributes.flags |= SGX_ATTR_PROVISIONKEY;
    add_fixed(l, how->is_static);
    if (!how->is_static) {
        r = add(l, "jit", 16, 0);
        r->policy = AP_POLICY_PUBLISH;
        r->max_perm = AP_PERM_R | AP_PERM_X;
        r = add(l, "work", 4, 1);
        r->policy = AP_POLICY_TOGGLE;
        r->max_perm = AP_PERM_R | AP_PERM_W | AP_PERM_X;
    }
    r = add(l, "table", 4, 4);
    r->policy = AP_POLICY_DATA;
}

const struct ap_region *enclave_file_region(const struct ap_layout *layout, const char *name)
{
    const struct ap_region *r = layout->region;

    while (strcmp(r->name, name) != 0) {
        if (++r == layout->region + layout->region_count)
            abort();
    }
    return r;
}

static void put_headers(uint8_t *file)
{
    const Elf64_Ehdr header = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = CODE_OFFSET,
        .e_phoff = sizeof header,
        .e_shoff = FILE_SECTIONS,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 3,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = 4,
        .e_shstrndx = 3,
    };
    const Elf64_Phdr segment[3] = {
        {PT_LOAD, PF_R, 0, 0, 0, 0x2000, 0x2000, 0x1000},
        {PT_LOAD, PF_R | PF_X, CODE_OFFSET, CODE_OFFSET, 0, 0x1000, 0x1000, 0x1000},
        {PT_LOAD, PF_R | PF_W, DATA_OFFSET, DATA_OFFSET, 0, 0x1000, 0x2000, 0x1000},
    };
    const Elf64_Shdr section[4] = {
        {.sh_type = SHT_NULL},
        {1, SHT_PROGBITS, SHF_ALLOC, 0x1000, 0x1000, 0x1000, 0, 0, 0x1000, 0},
        {11, SHT_PROGBITS, 0, 0, FILE_SIGNATURE, 0x1000, 0, 0, 1, 0},
        {22, SHT_STRTAB, 0, 0, FILE_NAMES, sizeof section_names, 0, 0, 1, 0},
    };

    memcpy(file, &header, sizeof header);
    memcpy(file + sizeof header, segment, sizeof segment);
    memcpy(file + FILE_NAMES, section_names, sizeof section_names);
    memcpy(file + FILE_SECTIONS, section, sizeof section);
}

const char *enclave_file_write(const struct enclave_file *how)
{
    static char path[] = "/tmp/urts-test-XXXXXX";
    static uint8_t file[FILE_SIZE];
    struct sgx_sigstruct sigstruct = {.header = SGX_SIG_HEADER, .exponent = SGX_SIG_EXPONENT};
    struct ap_layout layout;
    int fd;

    memset(file, 0, sizeof file);
    put_headers(file);
    memset(file + CODE_OFFSET, 0xcc, SGX_PAGE_SIZE);
    memset(file + DATA_OFFSET, 0xda, SGX_PAGE_SIZE);
    if (!how->is_unsigned) {
        enclave_file_layout(how, &layout);
        memcpy(file + 0x1000, &layout, sizeof layout);
        memcpy(file + FILE_SIGNATURE, &sigstruct, sizeof sigstruct);
    }
    strcpy(path + sizeof path - 7, "XXXXXX");
    fd = mkstemp(path);
    if (fd < 0 || write(fd, file, sizeof file) != (ssize_t)sizeof file || close(fd) < 0)
        abort();
    return path;
}
