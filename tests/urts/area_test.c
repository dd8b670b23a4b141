/* SPDX-License-Identifier: Apache-2.0 */
#include "area.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>

#define PAGE UINT64_C(4096)
#define RW   (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W)

static struct plan_run run(uint64_t page, uint64_t pages, uint64_t secinfo)
{
    return (struct plan_run){.offset = page * PAGE, .pages = pages, .secinfo = secinfo};
}

static struct ap_layout one_region(uint64_t page, uint64_t pages, uint64_t initial,
                                   enum ap_policy policy, int perm)
{
    return (struct ap_layout){
        .region_count = 1,
        .region[0] = {.offset = page * PAGE,
                      .pages = pages,
                      .initial = initial,
                      .kind = AP_KIND_REGION,
                      .policy = (uint8_t)policy,
                      .max_perm = (uint8_t)perm},
    };
}

Test(area, neighbours_alike_become_one_mapping)
{
    struct plan_run runs[] = {run(0, 1, RW), run(1, 2, RW), run(4, 1, RW)};
    struct plan plan = {.elrange_size = 16 * PAGE, .run_count = 3, .runs = runs};
    struct ap_layout layout = {0};
    struct area_list list;

    cr_assert_eq(areas_make(&plan, &layout, &list), 0);
    cr_assert_eq(list.count, 2);
    cr_assert_eq(list.area[0].size, 3 * PAGE);
    cr_assert_eq(list.area[1].offset, 4 * PAGE);
    areas_free(&list);
}

Test(area, neighbours_that_differ_stay_apart)
{
    struct plan_run runs[] = {run(0, 1, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X),
                              run(1, 1, SGX_SECINFO_REG | SGX_SECINFO_R)};
    struct plan plan = {.elrange_size = 16 * PAGE, .run_count = 2, .runs = runs};
    struct ap_layout layout = {0};
    struct area_list list;

    cr_assert_eq(areas_make(&plan, &layout, &list), 0);
    cr_assert_eq(list.count, 2);
    cr_assert_eq(list.area[0].prot, PROT_READ | PROT_EXEC);
    cr_assert_eq(list.area[1].prot, PROT_READ);
    areas_free(&list);
}

Test(area, a_tcs_is_mapped_writable_and_never_executable)
{
    struct plan_run runs[] = {run(3, 1, SGX_SECINFO_TCS)};
    struct plan plan = {.elrange_size = 16 * PAGE, .run_count = 1, .runs = runs};
    struct ap_layout layout = {0};
    struct area_list list;

    cr_assert_eq(areas_make(&plan, &layout, &list), 0);
    cr_assert_eq(list.area[0].prot, PROT_READ | PROT_WRITE);
    areas_free(&list);
}

Test(area, a_dynamic_part_has_the_ceiling_of_its_policy)
{
    static const struct {
        enum ap_policy policy;
        int max_perm, prot;
    } rows[] = {
        {AP_POLICY_DATA, AP_PERM_R | AP_PERM_W, PROT_READ | PROT_WRITE},
        {AP_POLICY_PUBLISH, AP_PERM_R | AP_PERM_X, PROT_READ | PROT_WRITE | PROT_EXEC},
        {AP_POLICY_TOGGLE, AP_PERM_R | AP_PERM_W | AP_PERM_X, PROT_READ | PROT_WRITE | PROT_EXEC},
        {AP_POLICY_RWX, AP_PERM_R | AP_PERM_W | AP_PERM_X, PROT_READ | PROT_WRITE | PROT_EXEC},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan plan = {.elrange_size = 16 * PAGE};
        struct ap_layout layout = one_region(4, 8, 2, rows[i].policy, rows[i].max_perm);
        struct area_list list;

        cr_assert_eq(areas_make(&plan, &layout, &list), 0);
        cr_assert_eq(list.count, 1);
        cr_assert_eq(list.area[0].offset, 6 * PAGE, "the initial pages are the plan's business");
        cr_assert_eq(list.area[0].size, 6 * PAGE);
        cr_assert_eq(list.area[0].prot, rows[i].prot);
        areas_free(&list);
    }
}

Test(area, thread_slots_are_mapped_by_their_runs_so_their_guards_stay_reserved)
{
    struct plan plan = {.elrange_size = 16 * PAGE};
    struct ap_layout layout = one_region(4, 8, 0, AP_POLICY_DATA, AP_PERM_R | AP_PERM_W);
    struct area_list list;

    layout.region[0].kind = AP_KIND_THREADS;
    cr_assert_eq(areas_make(&plan, &layout, &list), 0);
    cr_assert_eq(list.count, 0);
    areas_free(&list);
}

Test(area, areas_that_overlap_are_refused)
{
    struct plan_run runs[] = {run(0, 5, RW)};
    struct plan plan = {.elrange_size = 16 * PAGE, .run_count = 1, .runs = runs};
    struct ap_layout layout = one_region(4, 1, 0, AP_POLICY_DATA, AP_PERM_R | AP_PERM_W);
    struct area_list list;

    cr_assert_eq(areas_make(&plan, &layout, &list), -ENOEXEC);
}

Test(area, an_area_that_leaves_elrange_or_wraps_is_refused)
{
    static const struct {
        uint64_t page, pages;
    } rows[] = {{15, 2}, {16, 1}, {1, UINT64_MAX / 4096}, {1, UINT64_MAX}, {UINT64_MAX / 4096, 2}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan plan = {.elrange_size = 16 * PAGE};
        struct ap_layout layout = one_region(rows[i].page, rows[i].pages, 0, AP_POLICY_DATA, 3);
        struct area_list list;

        cr_assert_eq(areas_make(&plan, &layout, &list), -ENOEXEC, "row %zu", i);
    }
}

/* [1, 3) rw, [3, 4) r, hole, [6, 8) rwx */
static struct area cover_areas[] = {
    {1 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE},
    {3 * PAGE, 1 * PAGE, PROT_READ},
    {6 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC},
};
static const struct area_list cover_list = {3, cover_areas};

Test(area, a_range_over_two_areas_is_covered_if_both_permit)
{
    cr_assert(areas_cover(&cover_list, 1 * PAGE, 3 * PAGE, PROT_READ));
    cr_assert(!areas_cover(&cover_list, 1 * PAGE, 3 * PAGE, PROT_WRITE));
    cr_assert(areas_cover(&cover_list, 7 * PAGE, PAGE, PROT_WRITE | PROT_EXEC));
}

Test(area, a_range_that_meets_a_hole_is_not_covered)
{
    cr_assert(!areas_cover(&cover_list, 0, PAGE, PROT_NONE));
    cr_assert(!areas_cover(&cover_list, 0, 2 * PAGE, PROT_NONE));
    cr_assert(!areas_cover(&cover_list, 3 * PAGE, 4 * PAGE, PROT_NONE));
    cr_assert(!areas_cover(&cover_list, 4 * PAGE, PAGE, PROT_NONE));
    cr_assert(!areas_cover(&cover_list, 7 * PAGE, 2 * PAGE, PROT_NONE));
    cr_assert(!areas_cover(&cover_list, 6 * PAGE, UINT64_MAX, PROT_NONE));
}
