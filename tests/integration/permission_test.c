/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No page is ever writable and executable: looked at after every step of an enclave's life, down to
 * single instructions.
 */
#include <stdlib.h>

#include "seam.h"
#include "talk.h"

#define WX (SGX_SECINFO_W | SGX_SECINFO_X)

static unsigned looks, pages_seen, executable_seen, writable_seen;

static void look_at(int fd, uint64_t first, uint64_t end)
{
    for (uint64_t offset = first; offset < end; offset += PAGE) {
        struct sgx2_epcm_query query = {.offset = offset};

        cr_assert_eq(os_model()->ioctl(fd, SGX2_MODEL_EPCM, &query), 0);
        cr_assert_neq(query.secinfo & WX, WX, "page %#llx", (unsigned long long)offset);
        pages_seen += query.present != 0;
        executable_seen += (query.secinfo & SGX_SECINFO_X) != 0;
        writable_seen += (query.secinfo & SGX_SECINFO_W) != 0;
    }
    looks++;
}

static void look(void)
{
    pages_seen = executable_seen = writable_seen = 0;
    look_at(host.fd, 0, host.size);
    cr_assert_gt(executable_seen, 0);
    cr_assert_gt(writable_seen, 0);
}

static int look_after(int fd, unsigned long request, void *argument)
{
    int r = seam_pass(fd, request, argument);

    /* All that is loaded, and where the first dynamic pages would be. */
    if (r >= 0)
        look_at(fd, 0, layout_region(&seam_layout, "jit")->offset + 16 * PAGE);
    return r;
}

Test(permission, is_never_both_while_an_enclave_is_loaded_and_initialised)
{
    cr_assert_eq(seam_create(basic_file, look_after, false), SGX_SUCCESS, "%s", host.error.text);
    cr_assert_gt(looks, 10);
    cr_assert_eq(host_epcm(host.layout.relro_offset).secinfo & SGX_SECINFO_W, 0);
    look();
    host_close();
}

static sgx_status_t look_from_outside(void *ms)
{
    (void)ms;
    look();
    return SGX_SUCCESS;
}

Test(permission, is_never_both_between_calls, .init = host_open, .fini = host_close)
{
    struct basic_catch caught = {.provocation = BASIC_UD2, .flags = BASIC_CATCH_OCALL};

    host_on_note = look_from_outside;
    look();
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(host_publish(1 + 5 * i, i).correct, 1 + 5 * i);
        look();
        cr_assert_eq(host_commit("pool", 10 * i, 5).status, SGX_SUCCESS);
        cr_assert_eq(host_commit("heap", 10 * i, 5).status, SGX_SUCCESS);
        cr_assert_eq(host_commit("toggle", i, 1).status, SGX_SUCCESS);
        look();
        host_must(BASIC_CATCH, &caught);
    }
    cr_assert_eq(looks, 1 + 3 * 3);
}

/* Where the pages of a publication can be: the image, and the region's beginning. */
static void look_closely(void)
{
    uint64_t jit = host_dynamic("jit", 0);

    look_at(host.fd, 0, host.layout.image_size);
    look_at(host.fd, jit, jit + 4 * PAGE);
}

/* One instruction at a time, with a look in between. */
static unsigned step_through(int index, void *ms)
{
    uint64_t tcs = host_tcs(0);
    unsigned steps = 0;
    struct talk exit;

    host_interrupt(1, 1);
    exit = talk_ecall(tcs, index, ms);
    for (;;) {
        look_closely();
        steps++;
        host_interrupt(1, 1);
        if (exit.kind == TALK_EXCEPTION) {
            exit = talk_resume(tcs);
        } else if (exit.rdi == AP_EXIT_OCALL) {
            exit = talk_oret(tcs, SGX_SUCCESS);
        } else {
            TALK_RETURNS(exit, SGX_SUCCESS);
            return steps;
        }
    }
}

Test(permission, is_never_both_at_any_instruction_of_a_publication, .init = host_open,
     .fini = host_close)
{
    struct basic_publish ms = {.region = "jit", .pages = 2, .value = 17, .skew = 64};

    cr_assert_gt(step_through(BASIC_PUBLISH, &ms), 1000);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    cr_assert_eq(ms.correct, 2);
    cr_assert_eq(host_epcm(host_dynamic("jit", 0)).secinfo,
                 SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X);
}

Test(permission, of_what_the_host_adds_is_at_most_read_and_write, .init = host_open,
     .fini = host_close)
{
    uint64_t offset = host_dynamic("jit", 3);

    host_act(SGX2_HOSTILE_EAUG, offset, 0);
    cr_assert_eq(host_epcm(offset).secinfo,
                 SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING);
    look();
}
