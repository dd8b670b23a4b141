/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - from image and layout page to the load plan; see plan.h */
#include "image/plan.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/tcs.h"
#include "image/elf.h"
#include "image/error.h"
#include "image/geometry.h"
#include "image/layout_check.h"

SGX_STATIC_ASSERT(AP_PERM_R == SGX_SECINFO_R && AP_PERM_W == SGX_SECINFO_W &&
                      AP_PERM_X == SGX_SECINFO_X,
                  "a region's permissions are SECINFO's");

#define SECINFO_RW (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W)

/* A plan while it grows. Runs and storage have room for all that the counting pass found. */
struct builder {
    struct plan *plan;
    const struct ap_layout *layout;
    const struct elf *elf;
    uint8_t *free_page; /* in plan->storage, zeroed */
};

static bool continues(const struct plan_run *last, const struct plan_run *next)
{
    if (last->offset + last->pages * SGX_PAGE_SIZE != next->offset ||
        last->secinfo != next->secinfo || last->measured != next->measured)
        return false;
    if (!last->content || !next->content)
        return !last->content && !next->content;
    return last->content + last->pages * SGX_PAGE_SIZE == next->content;
}

static void append(struct builder *b, struct plan_run run)
{
    struct plan *plan = b->plan;
    struct plan_run *last = plan->run_count ? &plan->runs[plan->run_count - 1] : NULL;

    if (run.pages == 0)
        return;
    if (last && continues(last, &run))
        last->pages += run.pages;
    else
        plan->runs[plan->run_count++] = run;
}

static void append_zeroes(struct builder *b, uint64_t offset, uint64_t size, uint64_t secinfo)
{
    append(b, (struct plan_run){.offset = offset,
                                .pages = size / SGX_PAGE_SIZE,
                                .secinfo = secinfo,
                                .measured = true});
}

/* The pages of a segment: those that the file has something for, and those in all. */
static uint64_t segment_first(const struct elf_segment *s)
{
    return s->offset & SGX_PAGE_MASK;
}

static uint64_t segment_pages(const struct elf_segment *s)
{
    return geometry_pages(s->offset + s->mem_size) - segment_first(s) / SGX_PAGE_SIZE;
}

static uint64_t segment_file_pages(const struct elf_segment *s)
{
    if (s->file_size == 0)
        return 0;
    return geometry_pages(s->offset + s->file_size) - segment_first(s) / SGX_PAGE_SIZE;
}

/*
 * Where the section table stands depends on the debug information before it, hence on the folder of
 * the build. Nobody inside needs it: the ELF header is loaded, and measured, without.
 */
static void forget_section_table(Elf64_Ehdr *header)
{
    header->e_shoff = 0;
    header->e_shnum = 0;
    header->e_shstrndx = 0;
}

static void append_segment(struct builder *b, const struct elf_segment *s)
{
    uint64_t first = segment_first(s);
    uint64_t loaded = segment_file_pages(s);
    uint64_t secinfo = SGX_SECINFO_REG | s->perm;

    if (loaded)
        memcpy(b->free_page + (s->offset - first), b->elf->bytes + s->file_offset, s->file_size);
    if (s->file_offset == 0 && s->file_size >= sizeof(Elf64_Ehdr))
        forget_section_table((Elf64_Ehdr *)(void *)(b->free_page + (s->offset - first)));
    /* What was checked is what gets loaded: the image's own copy of the layout page. */
    if (b->elf->layout_offset >= first && b->elf->layout_offset - first < loaded * SGX_PAGE_SIZE)
        memcpy(b->free_page + (b->elf->layout_offset - first), b->layout, sizeof *b->layout);
    append(b, (struct plan_run){.offset = first,
                                .pages = loaded,
                                .content = b->free_page,
                                .secinfo = secinfo,
                                .measured = true});
    append_zeroes(b, first + loaded * SGX_PAGE_SIZE, (segment_pages(s) - loaded) * SGX_PAGE_SIZE,
                  secinfo);
    b->free_page += loaded * SGX_PAGE_SIZE;
}

static void append_tcs(struct builder *b, uint64_t offset)
{
    const struct ap_slots *s = &b->layout->slots;
    uint64_t td = offset + s->td_from_tcs;
    struct sgx_tcs tcs = {
        .ossa = offset + s->ssa_from_tcs,
        .nssa = s->nssa,
        .oentry = b->layout->entry,
        .ofsbase = td,
        .ogsbase = td,
        .fslimit = UINT32_MAX,
        .gslimit = UINT32_MAX,
    };

    memcpy(b->free_page, &tcs, sizeof tcs);
    append(b, (struct plan_run){.offset = offset,
                                .pages = 1,
                                .content = b->free_page,
                                .secinfo = SGX_SECINFO_TCS,
                                .measured = true});
    b->free_page += sizeof tcs;
}

static void append_slot(struct builder *b, uint64_t slot)
{
    const struct ap_slots *s = &b->layout->slots;
    uint64_t tcs = slot + s->tcs_offset;

    append_zeroes(b, slot + s->stack_offset, s->stack_size, SECINFO_RW);
    append_tcs(b, tcs);
    append_zeroes(b, tcs + s->ssa_from_tcs, (uint64_t)s->nssa * s->ssa_frame_size * SGX_PAGE_SIZE,
                  SECINFO_RW);
    append_zeroes(b, tcs + s->tls_from_tcs,
                  s->td_from_tcs - s->tls_from_tcs + s->td_pages * SGX_PAGE_SIZE, SECINFO_RW);
}

static void append_region(struct builder *b, const struct ap_region *r)
{
    const struct ap_slots *s = &b->layout->slots;

    switch (r->kind) {
    case AP_KIND_HEAP:
        /* Not measured: the runtime writes before it reads, and signing stays fast. */
        append(b,
               (struct plan_run){.offset = r->offset, .pages = r->initial, .secinfo = SECINFO_RW});
        break;
    case AP_KIND_THREADS:
        for (uint64_t i = 0; i < s->slot_count; i++)
            append_slot(b, s->offset + i * s->slot_size);
        break;
    default:
        /* Zeroes that could be executed are of no use, and W with X is the runtime's to refuse. */
        append_zeroes(b, r->offset, r->initial * SGX_PAGE_SIZE,
                      SGX_SECINFO_REG | (r->max_perm & (AP_PERM_R | AP_PERM_W)));
        break;
    }
}

static int allocate(struct plan *plan, const struct elf *elf, const struct ap_layout *layout)
{
    uint64_t pages = layout->slots.slot_count;
    void *storage;

    for (size_t i = 0; i < elf->segment_count; i++)
        pages += segment_file_pages(&elf->segment[i]);
    plan->runs =
        calloc(2 * elf->segment_count + layout->region_count + 4 * layout->slots.slot_count,
               sizeof *plan->runs);
    /* Page aligned, as SGX_IOC_ENCLAVE_ADD_PAGES wants its source. */
    if (posix_memalign(&storage, SGX_PAGE_SIZE, pages * SGX_PAGE_SIZE) != 0)
        return -ENOMEM;
    memset(storage, 0, pages * SGX_PAGE_SIZE);
    plan->storage = storage;
    return plan->runs ? 0 : -ENOMEM;
}

int plan_make(const struct image *image, struct plan *ret_plan, struct image_error *error)
{
    const struct ap_layout *layout = &image->layout;
    struct plan plan = {0};
    struct builder b = {.plan = &plan, .layout = layout};
    struct elf elf;
    int r = elf_parse(image->name, image->bytes, image->size, &elf, error);

    if (r == 0)
        r = layout_check(layout, &elf, error);
    if (r < 0)
        return r;
    r = allocate(&plan, &elf, layout);
    if (r < 0) {
        plan_free(&plan);
        return image_fail(error, -r, image->name, "its load plan does not fit into memory");
    }
    b.elf = &elf;
    b.free_page = plan.storage;
    for (size_t i = 0; i < elf.segment_count; i++)
        append_segment(&b, &elf.segment[i]);
    for (uint32_t i = 0; i < layout->region_count; i++)
        append_region(&b, &layout->region[i]);
    plan.elrange_size = layout->elrange_size;
    plan.ssa_frame_size = layout->slots.ssa_frame_size;
    *ret_plan = plan;
    return 0;
}

void plan_free(struct plan *plan)
{
    free(plan->runs);
    free(plan->storage);
    memset(plan, 0, sizeof *plan);
}

void plan_secs(const struct image *image, uint64_t base, bool debug, struct sgx_secs *ret_secs)
{
    const struct ap_layout *l = &image->layout;

    *ret_secs = (struct sgx_secs){
        .size = l->elrange_size,
        .base = base,
        .ssa_frame_size = l->slots.ssa_frame_size,
        .miscselect = l->miscselect,
        .attributes = l->attributes,
    };
    if (debug)
        ret_secs->attributes.flags |= SGX_ATTR_DEBUG;
}
