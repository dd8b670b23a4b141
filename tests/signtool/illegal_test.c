/* SPDX-License-Identifier: Apache-2.0 */
/* illegal_test.c - instructions by their bytes, and whole images */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "illegal.h"
#include "image/elf.h"
#include "sample.h"

static const struct {
    const char *name;
    uint8_t bytes[8];
} illegal[] = {
    {"syscall", {0x0f, 0x05}},
    {"sysenter", {0x0f, 0x34}},
    {"cpuid", {0x0f, 0xa2}},
    {"getsec", {0x0f, 0x37}},
    {"rdpmc", {0x0f, 0x33}},
    {"sgdt [rax]", {0x0f, 0x01, 0x00}},
    {"sidt [rax]", {0x0f, 0x01, 0x08}},
    {"sldt ax", {0x66, 0x0f, 0x00, 0xc0}},
    {"str ax", {0x66, 0x0f, 0x00, 0xc8}},
    {"smsw eax", {0x0f, 0x01, 0xe0}},
    {"vmcall", {0x0f, 0x01, 0xc1}},
    {"vmfunc", {0x0f, 0x01, 0xd4}},
    {"int 0x80", {0xcd, 0x80}},
    {"in al, 0x60", {0xe4, 0x60}},
    {"in al, dx", {0xec}},
    {"out dx, al", {0xee}},
    {"rep insb", {0xf3, 0x6c}},
    {"rep outsd", {0xf3, 0x6f}},
    {"iretq", {0x48, 0xcf}},
    {"iret", {0xcf}},
    {"far ret", {0xcb}},
    {"far ret 8", {0xca, 0x08, 0x00}},
    {"far call [rax]", {0xff, 0x18}},
    {"far jmp [rax]", {0xff, 0x28}},
    {"lss eax, [rax]", {0x0f, 0xb2, 0x00}},
    {"lfs eax, [rax]", {0x0f, 0xb4, 0x00}},
    {"lgs eax, [rax]", {0x0f, 0xb5, 0x00}},
    {"mov ds, eax", {0x8e, 0xd8}},
    {"mov ss, eax", {0x8e, 0xd0}},
    {"mov fs, eax", {0x8e, 0xe0}},
    {"mov gs, [rax]", {0x8e, 0x28}},
    {"pop fs", {0x0f, 0xa1}},
    {"pop gs", {0x0f, 0xa9}},
    {"hlt", {0xf4}},
    {"cli", {0xfa}},
    {"sti", {0xfb}},
    {"mov cr3, rax", {0x0f, 0x22, 0xd8}},
    {"mov rax, dr0", {0x0f, 0x21, 0xc0}},
    {"wrmsr", {0x0f, 0x30}},
    {"rdmsr", {0x0f, 0x32}},
    {"lgdt [rax]", {0x0f, 0x01, 0x10}},
    {"lidt [rax]", {0x0f, 0x01, 0x18}},
    {"lldt ax", {0x0f, 0x00, 0xd0}},
    {"ltr ax", {0x0f, 0x00, 0xd8}},
    {"lmsw ax", {0x0f, 0x01, 0xf0}},
    {"clts", {0x0f, 0x06}},
    {"invd", {0x0f, 0x08}},
    {"invlpg [rax]", {0x0f, 0x01, 0x38}},
    {"xsetbv", {0x0f, 0x01, 0xd1}},
    {"sysexit", {0x0f, 0x35}},
    {"vmlaunch", {0x0f, 0x01, 0xc2}},
    {"vmptrld [rax]", {0x0f, 0xc7, 0x30}},
    {"invpcid rax, [rax]", {0x66, 0x0f, 0x38, 0x82, 0x00}},
    {"monitor", {0x0f, 0x01, 0xc8}},
    {"mwait", {0x0f, 0x01, 0xc9}},
    {"enclv", {0x0f, 0x01, 0xc0}},
    {"xsaves [rax]", {0x0f, 0xc7, 0x28}},
    {"swapgs", {0x0f, 0x01, 0xf8}},
    {"sysretq", {0x48, 0x0f, 0x07}},
    {"wbinvd", {0x0f, 0x09}},
    {"encls", {0x0f, 0x01, 0xcf}},
    {"vmmcall", {0x0f, 0x01, 0xd9}},
};

static const struct {
    const char *name;
    uint8_t bytes[8];
} legal[] = {
    {"enclu", {0x0f, 0x01, 0xd7}},
    {"rdtsc", {0x0f, 0x31}},
    {"rdtscp", {0x0f, 0x01, 0xf9}},
    {"rdrand eax", {0x0f, 0xc7, 0xf0}},
    {"xgetbv", {0x0f, 0x01, 0xd0}},
    {"int3", {0xcc}},
    {"ud2", {0x0f, 0x0b}},
    {"pause", {0xf3, 0x90}},
    {"ret", {0xc3}},
    {"call [rax]", {0xff, 0x10}},
    {"jmp rax", {0xff, 0xe0}},
    {"mov eax, ds", {0x8c, 0xd8}},
    {"mov rax, fs:[0]", {0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0}},
    {"wrfsbase rax", {0xf3, 0x48, 0x0f, 0xae, 0xd0}},
    {"pop rax", {0x58}},
    {"popfq", {0x9d}},
    {"xrstor [rax]", {0x0f, 0xae, 0x28}},
    {"lfence", {0x0f, 0xae, 0xe8}},
    {"syscall as an immediate: mov ax, 0x050f", {0x66, 0xb8, 0x0f, 0x05}},
};

Test(illegal, each_instruction_that_an_enclave_cannot_run_is_found)
{
    for (size_t i = 0; i < sizeof illegal / sizeof illegal[0]; i++) {
        size_t length;

        cr_expect(illegal_instruction(illegal[i].bytes, 8, &length), "%s", illegal[i].name);
        cr_expect_gt(length, 0);
    }
}

Test(illegal, instructions_that_an_enclave_may_run_are_left_alone)
{
    for (size_t i = 0; i < sizeof legal / sizeof legal[0]; i++) {
        size_t length;
        const char *why = illegal_instruction(legal[i].bytes, sizeof legal[i].bytes + 0, &length);

        cr_expect_null(why, "%s: %s", legal[i].name, why);
        cr_expect(length > 0 || i == 12, "%s was not decoded", legal[i].name);
    }
}

Test(illegal, bytes_that_are_no_instruction_have_no_length)
{
    size_t length = 7;

    cr_assert_null(illegal_instruction((const uint8_t *)"\x06", 1, &length));
    cr_assert_eq(length, 0);
    cr_assert_null(illegal_instruction((const uint8_t *)"\x0f", 1, &length));
    cr_assert_eq(length, 0);
}

struct findings {
    long count;
    struct illegal first;
    char function[64];
};

static void note(void *arg, const struct illegal *i)
{
    struct findings *f = arg;

    if (f->count++ == 0) {
        f->first = *i;
        snprintf(f->function, sizeof f->function, "%s", i->function ? i->function : "");
    }
}

static long sweep(struct sample *s, struct findings *f)
{
    struct image_error error;
    struct elf elf;

    *f = (struct findings){0};
    cr_assert_eq(elf_parse("sample", s->bytes, s->size, &elf, &error), 0, "%s", error.text);
    return illegal_sweep(&elf, note, f);
}

Test(illegal, a_clean_image_has_none)
{
    struct sample s = sample_load();
    struct findings f;

    cr_assert_eq(sweep(&s, &f), 0);
    sample_free(&s);
}

/* The sample's function is longer than this. */
static uint8_t *code_of(struct sample *s)
{
    return s->bytes + sample_segment(s, PT_LOAD, 1)->p_offset;
}

Test(illegal, one_is_reported_with_address_function_and_text)
{
    struct sample s = sample_load();
    struct findings f;

    memcpy(code_of(&s), "\x90\x90\x0f\x05", 4);
    cr_assert_eq(sweep(&s, &f), 1);
    cr_assert_eq(f.first.address, sample_segment(&s, PT_LOAD, 1)->p_vaddr + 2);
    cr_assert_str_eq(f.function, "function");
    cr_assert_eq(f.first.function_offset, 2);
    cr_assert_str_eq(f.first.text, "syscall");
    sample_free(&s);
}

Test(illegal, the_sweep_starts_afresh_at_each_function)
{
    struct sample s = sample_load();
    uint64_t entry = sample_header(&s)->e_entry - sample_segment(&s, PT_LOAD, 1)->p_vaddr;
    struct findings f;

    /* The first byte of a long instruction directly before the function would swallow it. */
    code_of(&s)[entry - 1] = 0xb8;
    memcpy(code_of(&s) + entry, "\xcd\x80", 2);
    cr_assert_eq(sweep(&s, &f), 1);
    cr_assert_str_eq(f.function, "enclave_entry");
    cr_assert_eq(f.first.function_offset, 0);
    sample_free(&s);
}

Test(illegal, without_symbols_the_code_is_still_looked_through)
{
    struct sample s = sample_load();
    struct findings f;

    sample_section(&s, ".symtab")->sh_type = SHT_PROGBITS;
    memcpy(code_of(&s), "\x90\x90\x0f\xa2", 4);
    cr_assert_geq(sweep(&s, &f), 1);
    cr_assert_str_eq(f.function, "");
    cr_assert_str_eq(f.first.text, "cpuid");
    sample_free(&s);
}

Test(illegal, symbols_that_point_anywhere_do_no_harm)
{
    struct sample s = sample_load();
    Elf64_Shdr *table = sample_section(&s, ".symtab");
    Elf64_Sym *symbol = (Elf64_Sym *)(s.bytes + table->sh_offset);
    struct findings f;

    for (uint64_t i = 0; i < table->sh_size / sizeof *symbol; i++) {
        symbol[i].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
        symbol[i].st_shndx = 1;
        symbol[i].st_name = UINT32_MAX - (uint32_t)i;
        symbol[i].st_value = i % 2 ? UINT64_MAX - i : 0x1000 + i;
        symbol[i].st_size = UINT64_MAX / 2;
    }
    table->sh_link = 0xffff;
    cr_assert_geq(sweep(&s, &f), 0);
    sample_free(&s);
}
