/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "checks.h"
#include "cpu/epcm.h"

#define LINEAR linear_of(DATA_PAGE)

/* One page, and what is asked of it. */
static bool permits(struct epcm entry, uint64_t linear, enum access access)
{
    struct epc epc = {.epcm = &entry, .frame_count = 1};

    return cpu_epcm_permits(&epc, 0, linear, SECS_FRAME, access);
}

static struct epcm page(bool r, bool w, bool x)
{
    return (struct epcm){
        .enclave_address = LINEAR,
        .secs = SECS_FRAME,
        .pt = SGX_PT_REG,
        .valid = true,
        .r = r,
        .w = w,
        .x = x,
    };
}

Test(epc, each_access_needs_exactly_its_own_permission)
{
    for (int rwx = 0; rwx < 8; rwx++) {
        struct epcm entry = page(rwx & 1, rwx & 2, rwx & 4);

        cr_expect_eq(permits(entry, LINEAR, ACCESS_READ), (rwx & 1) != 0, "rwx %d", rwx);
        cr_expect_eq(permits(entry, LINEAR, ACCESS_WRITE), (rwx & 2) != 0, "rwx %d", rwx);
        cr_expect_eq(permits(entry, LINEAR, ACCESS_FETCH), (rwx & 4) != 0, "rwx %d", rwx);
        cr_expect_eq(cpu_epcm_effective(&entry), rwx);
    }
}

Test(epc, any_byte_of_the_page_will_do)
{
    cr_expect(permits(page(true, false, false), LINEAR + 4095, ACCESS_READ));
    cr_expect_not(permits(page(true, false, false), LINEAR + 4096, ACCESS_READ));
    cr_expect_not(permits(page(true, false, false), LINEAR - 1, ACCESS_READ));
}

Test(epc, a_page_under_restriction_is_usable)
{
    struct epcm entry = page(true, false, true);

    entry.pr = true;
    cr_expect(permits(entry, LINEAR, ACCESS_READ));
    cr_expect_eq(cpu_epcm_effective(&entry), 5);
}

Test(epc, everything_else_forbids_the_page_and_leaves_no_permission)
{
    const struct epcm good = page(true, true, true);
    struct epcm bad[6];

    for (int i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].valid = false;
    bad[1].blocked = true;
    bad[2].pending = true;
    bad[3].modified = true;
    bad[4].pt = SGX_PT_TCS;
    bad[5].pt = SGX_PT_TRIM;
    for (int i = 0; i < 6; i++) {
        cr_expect_not(permits(bad[i], LINEAR, ACCESS_READ), "case %d", i);
        cr_expect_not(permits(bad[i], LINEAR, ACCESS_WRITE), "case %d", i);
        cr_expect_not(permits(bad[i], LINEAR, ACCESS_FETCH), "case %d", i);
        cr_expect_eq(cpu_epcm_effective(&bad[i]), 0, "case %d", i);
    }
}

Test(epc, a_page_of_another_enclave_is_forbidden)
{
    struct epcm entry = page(true, true, true);

    entry.secs++;
    cr_expect_not(permits(entry, LINEAR, ACCESS_READ));
}

Test(epc, an_entry_reads_as_the_secinfo_that_describes_it)
{
    struct epcm entry = page(true, false, true);

    cr_expect_eq(cpu_epcm_flags(&entry), 0x205);
    entry.pr = true;
    cr_expect_eq(cpu_epcm_flags(&entry), 0x225);
    entry = page(true, true, false);
    entry.pending = true;
    cr_expect_eq(cpu_epcm_flags(&entry), 0x20b);
    entry = page(false, false, false);
    entry.pt = SGX_PT_TRIM;
    entry.modified = true;
    cr_expect_eq(cpu_epcm_flags(&entry), 0x410);
}

Test(epc, an_inserted_page_needs_no_tracking_and_counts_as_a_child)
{
    struct machine m;
    struct epcm *entry;

    machine_boot(&m);
    entry = epcm_of(&m, DATA_PAGE);
    *entry = (struct epcm){.blocked = true, .modified = true, .pr = true, .epoch = 9};
    cpu_epcm_insert(&m.epc, frame_of(DATA_PAGE), SECS_FRAME, LINEAR, 0x20b);
    cr_expect(entry->valid && entry->r && entry->w && !entry->x && entry->pending);
    cr_expect(!entry->blocked && !entry->modified && !entry->pr && entry->tracked);
    cr_expect(entry->pt == SGX_PT_REG && entry->secs == SECS_FRAME);
    cr_expect(entry->enclave_address == LINEAR && m.state.children == 1);
    machine_halt(&m);
}
