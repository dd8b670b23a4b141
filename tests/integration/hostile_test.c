/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime under a kernel that misbehaves by rules (aperture-hostile(5)): what the enclave holds
 * stays its own, the call says that it failed or did what it should, and honest work afterwards
 * succeeds unless the enclave has given itself up.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "seam.h"
#include "talk.h"

TestSuite(hostile, .init = host_open, .fini = host_close, .timeout = 120);

__attribute__((format(printf, 1, 2))) static void rules(const char *format, ...)
{
    struct sgx2_rules arg;
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    arg = (struct sgx2_rules){.text = (uintptr_t)text, .size = strlen(text)};
    cr_assert_eq(os_model()->ioctl(host.fd, SGX2_MODEL_RULES, &arg), 0, "%u:%u: %s", arg.line,
                 arg.column, arg.message);
}

static void no_rules(void)
{
    rules(" ");
}

static uint64_t struck(uint64_t line)
{
    struct sgx2_struck arg = {.line = line};

    cr_assert_eq(os_model()->ioctl(host.fd, SGX2_MODEL_STRUCK, &arg), 0);
    return arg.struck;
}

#define HEX(x) ((unsigned long long)(x))

/* All that the enclave is for, honestly. */
static void work(void)
{
    struct basic_resume resume = {0};

    no_rules();
    host_check_sane();
    cr_assert_eq(host_commit("pool", 100, 4).status, SGX_SUCCESS);
    cr_assert_eq(host_publish(2, 1000).correct, 2);
    host_must(BASIC_RESUME, &resume);
    cr_assert_eq(resume.registers_kept, 1);
}

/* ------------------------------------------------------------------ pages */

Test(hostile, a_page_refused_half_way_is_an_error_that_can_be_tried_again)
{
    for (unsigned k = 0; k < 3; k++) {
        rules("on eaug page %#llx do refuse\non eaug page %#llx-%#llx do refuse\n",
              HEX(host_dynamic("pool", 4 * k + k)), HEX(host_dynamic("jit", 0)),
              HEX(host_dynamic("jit", 64)));
        cr_assert_eq(host_commit("pool", 4 * k, 3).status, SGX_ERROR_HOST);
        cr_assert_eq(host_publish(3, k).status, SGX_ERROR_HOST);
        cr_assert(struck(1) > 0 && struck(2) > 0);
        no_rules();
        cr_assert_eq(host_commit("pool", 4 * k, 3).status, SGX_SUCCESS, "and then it is there");
        cr_assert_eq(host_publish(3, k).correct, 3);
    }
    work();
}

Test(hostile, a_page_refused_once_is_had_by_asking_again)
{
    for (unsigned k = 1; k <= 6; k++) {
        rules("on eaug nth %u do refuse\n", k);
        cr_assert_eq(host_commit("pool", 4 * k, 3).zero, 1);
        cr_assert_eq(host_publish(3, k).correct, 3);
        cr_assert_eq(struck(1), 1);
    }
    work();
}

Test(hostile, a_page_added_elsewhere_is_left_alone)
{
    const uint64_t jit = host_dynamic("jit", 0), pool = host_dynamic("pool", 50);
    struct sgx2_counters before = host_counters(), after;

    rules("on eaug page %#llx nth 1 do elsewhere %#llx\n"
          "on eaug page %#llx nth 1 do elsewhere %#llx\n",
          HEX(host_dynamic("pool", 0)), HEX(jit + 40 * PAGE), HEX(jit), HEX(pool));
    cr_assert_eq(host_commit("pool", 0, 2).status, SGX_SUCCESS);
    cr_assert_eq(host_publish(1, 3).correct, 1);
    cr_assert_eq(struck(1) + struck(2), 2);
    after = host_counters();
    cr_assert_eq(HOST_DELTA(after, before, enclu[SGX_EACCEPT]), 2, "%d",
                 (int)HOST_DELTA(after, before, enclu[SGX_EACCEPT]));
    cr_assert_eq(HOST_DELTA(after, before, enclu[SGX_EACCEPTCOPY]), 1);
    cr_assert(host_epcm(pool).secinfo & SGX_SECINFO_PENDING);
    cr_assert(host_epcm(jit + 40 * PAGE).secinfo & SGX_SECINFO_PENDING);
    cr_assert(host_peek(host.base + pool, NULL).caught);
    work();
}

Test(hostile, a_page_added_twice_is_one_page)
{
    rules("on eaug do twice\n");
    cr_assert_eq(host_commit("pool", 0, 4).zero, 1);
    cr_assert_eq(host_publish(4, 60).correct, 4);
    cr_assert_geq(struck(1), 8);
    work();
}

Test(hostile, an_addition_that_is_only_claimed_is_asked_for_until_it_happens)
{
    rules("on eaug first 20 do lie\n");
    cr_assert_eq(host_commit("pool", 0, 4).status, SGX_SUCCESS);
    cr_assert_eq(host_publish(4, 60).correct, 4);
    cr_assert_eq(struck(1), 20);
    work();
}

Test(hostile, pages_in_each_others_place_are_faults_and_not_each_other)
{
    const uint64_t a = host_dynamic("pool", 0), b = host_dynamic("pool", 1);
    uint64_t value = 0;

    cr_assert_eq(host_commit("pool", 0, 2).status, SGX_SUCCESS);
    cr_assert_eq(host_poke(host.base + a, 0xaaaa).caught, 0);
    cr_assert_eq(host_poke(host.base + b, 0xbbbb).caught, 0);
    rules("on enter nth 1 do swap %#llx %#llx\n", HEX(a), HEX(b));
    cr_assert(host_peek(host.base + a, &value).caught);
    cr_assert(host_poke(host.base + b, 1).caught);
    cr_assert_eq(value, 0);
    rules("on enter nth 1 do swap %#llx %#llx\n", HEX(b), HEX(a));
    cr_assert_eq(host_peek(host.base + a, &value).caught, 0);
    cr_assert_eq(value, 0xaaaa);
    cr_assert_eq(host_peek(host.base + b, &value).caught, 0);
    cr_assert_eq(value, 0xbbbb);
    work();
}

/* A page taken away and replaced at any moment of a publication, with everything interrupted. */
Test(hostile, a_publication_whose_page_is_replaced_under_it_is_right_or_dead)
{
    unsigned right = 0, dead = 0;

    for (uint64_t k = 1; k < 140; k += k < 8 ? 1 : 11) {
        struct basic_publish ms = {.region = "jit", .pages = 1, .value = k};
        sgx_status_t status;

        rules("on entry do storm 25\non aex nth %llu do replace %#llx\n", HEX(k),
              HEX(host_dynamic("jit", 0)));
        status = host_ecall(BASIC_PUBLISH, &ms);
        if (status == SGX_SUCCESS) {
            cr_assert_eq(ms.status, SGX_SUCCESS);
            cr_assert_eq(ms.correct, 1);
            right++;
        } else {
            cr_assert_eq(status, SGX_ERROR_ENCLAVE_CRASHED);
            cr_assert_eq(ms.correct, 0, "no wrong code ran");
            dead++;
        }
        host_close();
        host_open();
    }
    cr_assert_gt(right, 0);
    work();
}

/* ------------------------------------------------------------------ loading */

static sgx_status_t create_under(const char *text)
{
    char path[] = "/tmp/hostile-test-XXXXXX";
    int fd = mkstemp(path);
    sgx_status_t status;

    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    setenv("APERTURE_HOSTILE", path, 1);
    status = seam_create(basic_file, NULL, false);
    unsetenv("APERTURE_HOSTILE");
    unlink(path);
    return status;
}

static const char *const loading[] = {
    "on create do refuse ENOMEM",
    "on create do lie",
    "on add nth 2 do refuse EIO",
    "on add nth 1 do lie",
    "on add page 0x1000 do skip",
    "on init do refuse EPERM",
    "on init do lie",
    "on restrict do refuse EBUSY",
    "on restrict do lie",
    "on restrict nth 1 do skip",
    "on restrict do permission rw-",
    "on restrict do permission ---",
    "on enter do return 14",
};

Test(hostile_load, fails_whatever_part_of_it_the_kernel_does_not_do)
{
    for (size_t i = 0; i < sizeof loading / sizeof *loading; i++) {
        sgx_status_t status = create_under(loading[i]);
        struct seam_holdings h;

        cr_assert_neq(status, SGX_SUCCESS, "%s", loading[i]);
        cr_assert_neq(host.error.text[0], '\0', "%s", loading[i]);
        h = seam_holdings(seam_base, seam_base ? seam_layout.elrange_size : 0);
        cr_assert_eq(h.mappings_in_range, 0, "%s", loading[i]);
    }
    host_open();
    work();
    host_close();
}

/* EMODPR takes away only: asked to leave what is not there, it does what the enclave wants. */
Test(hostile_load, is_right_if_the_kernel_restricts_to_what_comes_to_the_same)
{
    cr_assert_eq(create_under("on restrict do permission r-x"), SGX_SUCCESS);
    cr_assert_eq(struck(1), host.layout.relro_pages);
    cr_assert_eq(host_epcm(host.layout.relro_offset).secinfo, SGX_SECINFO_REG | SGX_SECINFO_R);
    work();
    host_close();
}

Test(hostile_load, survives_a_storm)
{
    cr_assert_eq(create_under("on entry do storm 13"), SGX_SUCCESS, "%s", host.error.text);
    cr_assert_gt(host_counters().aex, 100);
    work();
    host_close();
}

/* ------------------------------------------------------------------ registers */

static void expect_clean(void)
{
    struct basic_recurse recurse = {.depth = 3};
    struct basic_control control = {0};
    struct basic_resume resume = {0};
    struct basic_flags flags = {0};

    host_check_sane();
    host_must(BASIC_FLAGS, &flags);
    cr_assert_eq(flags.rflags & 0x44500, 0, "DF, NT, AC and TF: %#llx", HEX(flags.rflags));
    cr_assert_eq(flags.mxcsr, 0x1f80);
    cr_assert_eq(flags.fcw, 0x37f);
    cr_assert_eq(flags.ftw, 0xffff);
    host_must(BASIC_RECURSE, &recurse);
    cr_assert_eq(recurse.reached, 4);
    cr_assert_eq(recurse.canary, 1);
    host_must(BASIC_RESUME, &resume);
    cr_assert(resume.registers_kept && resume.vectors_kept && resume.control_kept &&
              resume.flags_kept && resume.red_zone_kept && resume.clean_handler);
    host_must(BASIC_CONTROL, &control);
    cr_assert_eq(control.mxcsr_after, control.mxcsr_before);
    cr_assert_eq(control.fcw_after, control.fcw_before);
}

Test(hostile, registers_that_carry_nothing_mean_nothing)
{
    static const char *const values[] = {"rsp=0",
                                         "rsp=0xffffffffffffffff",
                                         "rsp=0x8000000000000000",
                                         "rbp=0",
                                         "r9=1",
                                         "r10=0xffffffffffffffff",
                                         "r11=0xffffffffffffffff",
                                         "r12=2",
                                         "r13=3",
                                         "r14=4",
                                         "r15=5",
                                         "rflags=0x400",
                                         "rflags=0x40000",
                                         "rflags=0x100",
                                         "rflags=0x4000",
                                         "rflags=0x244dd5",
                                         "mxcsr=0",
                                         "mxcsr=0xffc0",
                                         "mxcsr=0x7f80",
                                         "fcw=0",
                                         "fcw=0x7f"};

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        rules("on enter do registers %s\n", values[i]);
        expect_clean();
        cr_assert_gt(struck(1), 5);
    }
    rules("on enter do registers rsp=%#llx\non enter do registers rbp=%#llx\n",
          HEX(host_addresses().stack), HEX(host.base));
    expect_clean();
    work();
}

Test(hostile, random_registers_are_an_error_and_no_more)
{
    for (unsigned seed = 0; seed < 50; seed++) {
        struct basic_add ms = {.a = 1, .b = 1};

        rules("on enter first 1 do registers random %u\n", seed);
        cr_assert_neq(host_ecall(BASIC_ADD, &ms), SGX_SUCCESS);
        cr_assert_eq(ms.sum, 0);
        cr_assert_eq(struck(1), 1);
        host_check_sane();
    }
    work();
}

/* ------------------------------------------------------------------ old versions */

Test(hostile, an_evicted_page_is_not_missed)
{
    const uint64_t pool = host_dynamic("pool", 0);
    uint64_t value = 0;

    cr_assert_eq(host_commit("pool", 0, 1).status, SGX_SUCCESS);
    cr_assert_eq(host_poke(host.base + pool, 0xa1).caught, 0);
    rules("on exit do evict %#llx\non exit do evict %#llx\non exit do evict %#llx\n", HEX(pool),
          HEX(host_region("pagemap")->offset), HEX(host.layout.relro_offset));
    expect_clean();
    cr_assert_eq(host_peek(host.base + pool, &value).caught, 0);
    cr_assert_eq(value, 0xa1);
    cr_assert_eq(host_publish(2, 9).correct, 2);
    cr_assert_gt(host_counters().reloaded, 5);
    work();
}

/* The enclave loses the page, but nobody can tell it that it is yesterday. */
Test(hostile, an_old_version_of_a_page_is_a_fault_and_not_the_past)
{
    const uint64_t pool = host_dynamic("pool", 0);
    uint64_t value = 0;

    cr_assert_eq(host_commit("pool", 0, 1).status, SGX_SUCCESS);
    cr_assert_eq(host_poke(host.base + pool, 1).caught, 0);
    rules("on exit nth 1 do keep %#llx\non exit nth 2 do replay %#llx\n", HEX(pool), HEX(pool));
    host_check_sane();
    cr_assert_eq(host_poke(host.base + pool, 2).caught, 0);
    cr_assert_eq(struck(2), 1);
    cr_assert(host_peek(host.base + pool, &value).caught);
    cr_assert_eq(value, 0);
    work();
}

/* ------------------------------------------------------------------ interrupts */

Test(hostile, entering_again_in_place_of_a_resumption_changes_nothing)
{
    static const long index[] = {0, AP_ENTER_ORET, AP_ENTER_INIT, BASIC_ADD, -99};
    uint64_t reentered = 0;

    for (size_t i = 0; i < sizeof index / sizeof *index; i++) {
        for (unsigned n = 1; n < 900; n += n < 40 ? 3 : 37) {
            rules("on entry do interrupt %u\non aex first 4 do reenter %ld\n", n, index[i]);
            host_check_sane();
            reentered += struck(2);
        }
        rules("on entry do interrupt 150\non aex do reenter %ld\n", index[i]);
        expect_clean();
        cr_assert_gt(struck(2), 5);
    }
    cr_assert_gt(reentered, 100);
    work();
}

Test(hostile, a_storm_is_not_noticed)
{
    static const unsigned each[] = {1, 2, 3, 17, 100};
    struct basic_catch caught = {.provocation = BASIC_DIVIDE,
                                 .flags = BASIC_CATCH_OCALL | BASIC_CATCH_NESTED};

    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        struct sgx2_counters before = host_counters();

        rules("on entry do storm %u\n", each[i]);
        host_check_sane();
        cr_assert_eq(host_publish(2, each[i]).correct, 2);
        host_must(BASIC_CATCH, &caught);
        cr_assert_eq(caught.nested, 1);
        cr_assert_gt(HOST_DELTA(host_counters(), before, aex), 3000 / each[i]);
    }
    rules("on entry do storm 5\n");
    expect_clean();
    work();
}

/* An exception that never was: the enclave does not believe it, and the call says that it failed.
 */
Test(hostile, an_exception_that_never_occurred_is_not_believed)
{
    for (unsigned vector = 0; vector < 32; vector++) {
        struct basic_add ms = {.a = 1, .b = 1};
        sgx_status_t status;

        rules("on enter do interrupt 200\non aex nth 1 do return %u\n", vector);
        status = host_ecall(BASIC_ADD, &ms);
        cr_assert_eq(status, SGX_ERROR_ENCLAVE_CRASHED, "vector %u", vector);
        cr_assert_eq(ms.sum, 0);
        cr_assert_not_null(strstr(ap_enclave_crash(host.enclave), "does not handle it"));
        host_close();
        host_open();
    }
    work();
}

/* ------------------------------------------------------------------ one instruction at a time */

Test(hostile, every_instruction_of_a_publication_can_be_the_last_before_an_exit)
{
    struct sgx2_counters before, after;
    struct basic_publish stepped, plain;

    host_publish(2, 40);
    before = host_counters();
    plain = host_publish(2, 40);
    after = host_counters();
    cr_assert_lt(HOST_DELTA(after, before, aex), 50, "%d", (int)HOST_DELTA(after, before, aex));

    rules("on entry do step 0-%#llx\n", HEX(host.size - 1));
    before = host_counters();
    stepped = host_publish(2, 40);
    after = host_counters();
    cr_assert_eq(stepped.status, SGX_SUCCESS);
    cr_assert_eq(stepped.correct, 2);
    cr_assert_eq(stepped.again, plain.again);
    cr_assert_eq(HOST_DELTA(after, before, exceptions), 0, "nothing in it is illegal inside");
    cr_assert_gt(HOST_DELTA(after, before, aex), 2000);
    cr_assert_eq(HOST_DELTA(after, before, aex), HOST_DELTA(after, before, enclu[SGX_ERESUME]));
    cr_assert_eq(HOST_DELTA(after, before, enclu[SGX_EACCEPTCOPY]), 2);
    work();
}

/* Exceptions, handlers and ocalls, but only the runtime's own door is watched. */
Test(hostile, the_door_alone_can_be_stepped)
{
    const uint64_t door = host_addresses().critical - host.base;
    struct sgx2_counters before = host_counters(), after;

    rules("on entry do step %#llx-%#llx\n", HEX(door), HEX(door + 0x3ff));
    expect_clean();
    after = host_counters();
    cr_assert_gt(HOST_DELTA(after, before, aex), 500);
    work();
}
