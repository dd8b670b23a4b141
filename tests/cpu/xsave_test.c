/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/xsave.h"

#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

#define XFRM UINT64_C(0x602e7) /* x87, SSE, AVX, AVX-512, PKRU, AMX */

static void put(uint8_t *at, uint64_t value, size_t size)
{
    memcpy(at, &value, size);
}

static uint64_t get(const uint8_t *at, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, at, size);
    return value;
}

/* An enclave with three-page frames, a found frame, and an image full of the byte 0x11. */
static void prepare(struct machine *m, uint64_t xfrm, struct ssa_frame *ssa)
{
    machine_boot(m);
    m->secs.ssa_frame_size = 3;
    m->secs.attributes.xfrm = xfrm;
    machine_start(m);
    tcs_of(m, TCS_PAGE)->nssa = 1;
    cr_assert(is_ok(cpu_ssa_find(&m->cpu, frame_of(TCS_PAGE), 0, ssa)));
    memset(m->cpu.xsave, 0x11, XSAVE_SIZE);
    memset(m->cpu.xsave + 512, 0, 64);
    put(m->cpu.xsave + 24, 0x1f80, 4);
}

/* The frame's image as one piece. */
static void fetch(struct machine *m, const struct ssa_frame *ssa, uint8_t *image)
{
    cpu_ssa_read(&m->epc, ssa, 0, image, ssa->pages * (size_t)PAGE);
}

static bool filled(const uint8_t *at, size_t size, uint8_t with)
{
    for (size_t i = 0; i < size; i++) {
        if (at[i] != with)
            return false;
    }
    return true;
}

Test(xsave, the_size_is_that_of_the_highest_component)
{
    struct machine m;

    machine_boot(&m);
    cr_expect_eq(cpu_xsave_size(&m.features, 3), 576);
    cr_expect_eq(cpu_xsave_size(&m.features, 7), 832);
    cr_expect_eq(cpu_xsave_size(&m.features, 0xe7), 2688);
    cr_expect_eq(cpu_xsave_size(&m.features, 0x2e7), 2696);
    cr_expect_eq(cpu_xsave_size(&m.features, 0x203), 2696);
    cr_expect_eq(cpu_xsave_size(&m.features, XFRM), 11008);
    machine_halt(&m);
}

Test(xsave, saving_stores_the_components_in_xfrm_and_no_other)
{
    struct machine m;
    struct ssa_frame ssa;
    static uint8_t image[3 * PAGE];

    prepare(&m, 7, &ssa);
    memset(content_of(&m, SSA_PAGE), 0x99, PAGE);
    put(m.cpu.xsave + 512, XFRM | 0x18, 8);
    cpu_xsave_save(&m.cpu, &ssa, 7);
    fetch(&m, &ssa, image);
    cr_expect_eq(get(image + 512, 8), 7);
    cr_expect(filled(image + 520, 56, 0));
    cr_expect(filled(image, 24, 0x11) && filled(image + 32, 384, 0x11));
    cr_expect_eq(get(image + 24, 4), 0x1f80);
    cr_expect(filled(image + 576, 256, 0x11));
    /* Software's own bytes of the legacy region, and all beyond XFRM. */
    cr_expect(filled(image + 416, 96, 0x99));
    cr_expect(filled(image + 832, PAGE - 832, 0x99));
    machine_halt(&m);
}

Test(xsave, components_beyond_the_first_page_are_saved_too)
{
    struct machine m;
    struct ssa_frame ssa;
    static uint8_t image[3 * PAGE];

    prepare(&m, XFRM, &ssa);
    put(m.cpu.xsave + 512, XFRM, 8);
    cpu_xsave_save(&m.cpu, &ssa, XFRM);
    fetch(&m, &ssa, image);
    cr_expect_eq(get(image + 512, 8), XFRM);
    cr_expect(filled(image + 2688, 8, 0x11));
    cr_expect(filled(image + 2752, 8256, 0x11));
    cr_expect(filled(image + 960, 128, 0)); /* MPX is not in XFRM */
    machine_halt(&m);
}

Test(xsave, a_component_not_in_use_is_saved_as_initial)
{
    struct machine m;
    struct ssa_frame ssa;
    static uint8_t image[3 * PAGE];

    prepare(&m, 7, &ssa);
    memset(content_of(&m, SSA_PAGE), 0x99, PAGE);
    cpu_xsave_save(&m.cpu, &ssa, 7);
    fetch(&m, &ssa, image);
    cr_expect_eq(get(image + 512, 8), 0);
    cr_expect_eq(get(image, 2), 0x37f);
    cr_expect(filled(image + 2, 22, 0) && filled(image + 32, 384, 0));
    cr_expect(filled(image + 576, 256, 0));
    cr_expect_eq(get(image + 24, 4), 0x1f80); /* MXCSR goes with the request, not with use */
    machine_halt(&m);
}

Test(xsave, what_was_saved_can_be_loaded)
{
    struct machine m;
    struct ssa_frame ssa;
    struct xsave_image image;
    static uint8_t before[XSAVE_SIZE];

    prepare(&m, XFRM, &ssa);
    put(m.cpu.xsave + 512, XFRM, 8);
    memcpy(before, m.cpu.xsave, XSAVE_SIZE);
    cpu_xsave_save(&m.cpu, &ssa, XFRM);
    cpu_xsave_synthesize(&m.cpu, XFRM, -1);
    cr_expect_neq(memcmp(before, m.cpu.xsave, XSAVE_SIZE), 0);
    cr_expect(cpu_xsave_check(&m.epc, &ssa, XFRM, &image));
    cpu_xsave_load(&m.cpu, &ssa, XFRM, &image);
    cr_expect_eq(memcmp(before, m.cpu.xsave, XSAVE_SIZE), 0);
    machine_halt(&m);
}

Test(xsave, loading_touches_no_component_outside_xfrm)
{
    struct machine m;
    struct ssa_frame ssa;
    struct xsave_image image = {.xstate_bv = 3, .mxcsr = 0x1f80};

    prepare(&m, 7, &ssa);
    put(m.cpu.xsave + 512, XFRM, 8);
    memset(content_of(&m, SSA_PAGE), 0x99, PAGE);
    cpu_xsave_load(&m.cpu, &ssa, 7, &image);
    cr_expect_eq(get(m.cpu.xsave + 512, 8), (XFRM & ~UINT64_C(7)) | 3);
    cr_expect(filled(m.cpu.xsave, 24, 0x99) && filled(m.cpu.xsave + 32, 384, 0x99));
    cr_expect_eq(get(m.cpu.xsave + 24, 4), 0x1f80);
    cr_expect(filled(m.cpu.xsave + 28, 4, 0x11)); /* MXCSR_MASK belongs to the host */
    cr_expect(filled(m.cpu.xsave + 416, 96, 0x11));
    cr_expect(filled(m.cpu.xsave + 576, 256, 0)); /* AVX: in XFRM, not in the image */
    cr_expect(filled(m.cpu.xsave + 832, XSAVE_SIZE - 832, 0x11));
    machine_halt(&m);
}

Test(xsave, an_image_that_xrstor_would_refuse_is_refused)
{
    struct machine m;
    struct ssa_frame ssa;
    struct xsave_image image = {.xstate_bv = 99};
    uint8_t *frame;

    prepare(&m, 7, &ssa);
    frame = content_of(&m, SSA_PAGE);
    cr_expect(cpu_xsave_check(&m.epc, &ssa, 7, &image));
    for (unsigned bit = 0; bit < 64; bit++) {
        put(frame + 512, UINT64_C(1) << bit, 8);
        cr_expect_eq(cpu_xsave_check(&m.epc, &ssa, 7, &image), bit < 3, "XSTATE_BV bit %u", bit);
    }
    put(frame + 512, 7, 8);
    for (unsigned i = 520; i < 576; i++) {
        frame[i] = 1;
        cr_expect_eq(cpu_xsave_check(&m.epc, &ssa, 7, &image), i >= 536, "header byte %u", i - 512);
        frame[i] = 0;
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        put(frame + 24, UINT64_C(1) << bit, 4);
        cr_expect_eq(cpu_xsave_check(&m.epc, &ssa, 7, &image), bit < 16, "MXCSR bit %u", bit);
    }
    machine_halt(&m);
}

Test(xsave, the_outside_sees_initial_state_in_xfrm_and_its_own_beyond)
{
    struct machine m;
    struct ssa_frame ssa;

    prepare(&m, 7, &ssa);
    put(m.cpu.xsave + 512, XFRM, 8);
    cpu_xsave_synthesize(&m.cpu, 7, -1);
    cr_expect_eq(get(m.cpu.xsave + 512, 8), XFRM & ~UINT64_C(7));
    cr_expect_eq(get(m.cpu.xsave, 4), 0x037f);
    cr_expect(filled(m.cpu.xsave + 4, 20, 0) && filled(m.cpu.xsave + 32, 384, 0));
    cr_expect_eq(get(m.cpu.xsave + 24, 4), 0x1fb0);
    cr_expect(filled(m.cpu.xsave + 28, 4, 0x11));
    cr_expect(filled(m.cpu.xsave + 576, 256, 0));
    cr_expect(filled(m.cpu.xsave + 832, XSAVE_SIZE - 832, 0x11));
    machine_halt(&m);
}

Test(xsave, floating_point_exceptions_leave_their_traces)
{
    struct machine m;
    struct ssa_frame ssa;

    prepare(&m, 7, &ssa);
    put(m.cpu.xsave + 512, 7, 8);
    cpu_xsave_synthesize(&m.cpu, 7, SGX_VECTOR_MF);
    cr_expect_eq(get(m.cpu.xsave + 512, 8), 1); /* or XRSTOR would not load FCW and FSW */
    cr_expect_eq(get(m.cpu.xsave, 4), 0x8081037e);
    cr_expect(filled(m.cpu.xsave + 4, 20, 0) && filled(m.cpu.xsave + 32, 128, 0));
    cr_expect_eq(get(m.cpu.xsave + 24, 4), 0x1fb0);
    cpu_xsave_synthesize(&m.cpu, 7, SGX_VECTOR_XM);
    cr_expect_eq(get(m.cpu.xsave + 512, 8), 0);
    cr_expect_eq(get(m.cpu.xsave, 4), 0x037f);
    cr_expect_eq(get(m.cpu.xsave + 24, 4), 0x1f01);
    machine_halt(&m);
}

Test(xsave, a_small_image_has_never_used_what_it_cannot_hold)
{
    struct machine m;
    struct ssa_frame ssa;
    struct xsave_image image;
    static uint8_t saved[3 * PAGE];

    prepare(&m, XFRM, &ssa);
    m.cpu.xsave_size = 832;
    put(m.cpu.xsave + 512, XFRM, 8);
    cpu_xsave_save(&m.cpu, &ssa, XFRM);
    fetch(&m, &ssa, saved);
    cr_expect(filled(saved + 576, 256, 0x11));
    cr_expect(filled(saved + 832, 2 * PAGE, 0));
    cr_expect(cpu_xsave_check(&m.epc, &ssa, XFRM, &image));
    cpu_xsave_synthesize(&m.cpu, XFRM, -1);
    cpu_xsave_load(&m.cpu, &ssa, XFRM, &image);
    cr_expect_eq(get(m.cpu.xsave + 512, 8), 7);
    cr_expect(filled(m.cpu.xsave + 832, XSAVE_SIZE - 832, 0x11));
    machine_halt(&m);
}

Test(xsave, without_an_image_nothing_is_saved_or_loaded)
{
    struct machine m;
    struct ssa_frame ssa;
    struct xsave_image image;
    struct snapshot *before;
    uint8_t *held;

    prepare(&m, 7, &ssa);
    held = m.cpu.xsave;
    m.cpu.xsave = NULL;
    before = snapshot_take(&m);
    cpu_xsave_save(&m.cpu, &ssa, 7);
    cpu_xsave_synthesize(&m.cpu, 7, -1);
    cr_expect(cpu_xsave_check(&m.epc, &ssa, 7, &image));
    cpu_xsave_load(&m.cpu, &ssa, 7, &image);
    cr_expect(snapshot_same(before, &m));
    snapshot_free(before);
    m.cpu.xsave = held;
    machine_halt(&m);
}
