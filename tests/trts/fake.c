/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <string.h>

/* layout.h of the runtime declares it const, so that is not included here. */
struct ap_layout ap_layout;

static uint8_t elrange[2 * FAKE_SIZE];

struct ap_layout *fake_layout(void)
{
    return &ap_layout;
}

uint8_t *fake_base(void)
{
    uintptr_t at = ((uintptr_t)elrange + FAKE_SIZE - 1) & ~(uintptr_t)(FAKE_SIZE - 1);

    return (uint8_t *)at;
}

uintptr_t enclave_base(void);
uintptr_t enclave_base(void)
{
    return (uintptr_t)fake_base();
}

struct thread_data *fake_thread(void)
{
    return (struct thread_data *)(void *)(fake_base() + FAKE_TD);
}

struct thread_data *thread_self(void)
{
    return fake_thread();
}

static struct ap_region row(const char *name, enum ap_kind kind, enum ap_policy policy,
                            uint8_t perm, uint64_t offset, uint64_t pages, uint64_t initial)
{
    static uint64_t dynamic;
    struct ap_region r = {.offset = offset,
                          .pages = pages,
                          .initial = initial,
                          .kind = (uint8_t)kind,
                          .policy = (uint8_t)policy,
                          .max_perm = perm};

    if (kind == AP_KIND_HEAP)
        dynamic = 0;
    r.pagemap_index = dynamic;
    dynamic += pages - initial;
    memcpy(r.name, name, strlen(name));
    return r;
}

static struct ap_slots slots(void)
{
    return (struct ap_slots){
        .offset = 0x30000,
        .slot_size = 0x19000,
        .slot_count = 1,
        .stack_offset = 0x1000,
        .stack_size = FAKE_STACK_HIGH - FAKE_STACK_LOW,
        .tcs_offset = FAKE_TCS - 0x30000,
        .tcs_from_stack = FAKE_TCS - FAKE_STACK_HIGH,
        .ssa_from_tcs = FAKE_SSA - FAKE_TCS,
        .tls_from_tcs = 0x46000 - FAKE_TCS,
        .td_from_tcs = FAKE_TD - FAKE_TCS,
        .td_pages = 2,
        .nssa = 2,
        .ssa_frame_size = 1,
    };
}

void fake_reset(void)
{
    const uint8_t rw = AP_PERM_R | AP_PERM_W, rx = AP_PERM_R | AP_PERM_X;

    memset(elrange, 0, sizeof elrange);
    ap_layout = (struct ap_layout){
        .magic = AP_LAYOUT_MAGIC,
        .version = AP_LAYOUT_VERSION,
        .region_count = FAKE_REGIONS,
        .elrange_size = FAKE_SIZE,
        .image_size = 0x10000,
        .entry = 0x1000,
        .attributes = {.flags = SGX_ATTR_MODE64BIT, .xfrm = SGX_XFRM_LEGACY},
        .miscselect = SGX_MISC_EXINFO,
        .tls_align = 1,
        .slots = slots(),
        .relro_offset = 0x9000,
        .relro_pages = 1,
        .region =
            {
                row("heap", AP_KIND_HEAP, AP_POLICY_DATA, rw, 0x10000, 8, 2),
                row("pagemap", AP_KIND_PAGEMAP, AP_POLICY_NONE, rw, 0x20000, 1, 1),
                row("threads", AP_KIND_THREADS, AP_POLICY_NONE, rw, 0x30000, 0x19, 0x19),
                row("data", AP_KIND_REGION, AP_POLICY_DATA, rw, 0x50000, 16, 0),
                row("readonly", AP_KIND_REGION, AP_POLICY_DATA, AP_PERM_R, 0x70000, 4, 0),
                row("jit", AP_KIND_REGION, AP_POLICY_PUBLISH, rx, 0x80000, 32, 0),
                row("toggle", AP_KIND_REGION, AP_POLICY_TOGGLE, rw | rx, 0xb0000, 4, 0),
            },
    };
    fake_thread()->self = fake_thread();
}
