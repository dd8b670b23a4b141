/* SPDX-License-Identifier: Apache-2.0 */
/* elf_test.c - one good image, spoilt in one place at a time */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "sample.h"

#define SPOIL(name) static void name(struct sample *s)

SPOIL(not_elf)
{
    s->bytes[1] = 'e';
}

SPOIL(header_cut)
{
    s->size = sizeof(Elf64_Ehdr) - 1;
}

SPOIL(class_32)
{
    sample_header(s)->e_ident[EI_CLASS] = ELFCLASS32;
}

SPOIL(big_endian)
{
    sample_header(s)->e_ident[EI_DATA] = ELFDATA2MSB;
}

SPOIL(for_arm)
{
    sample_header(s)->e_machine = EM_AARCH64;
}

SPOIL(fixed_address)
{
    sample_header(s)->e_type = ET_EXEC;
}

SPOIL(no_program_headers)
{
    sample_header(s)->e_phnum = 0;
}

SPOIL(odd_program_headers)
{
    sample_header(s)->e_phentsize = 32;
}

SPOIL(program_headers_beyond)
{
    sample_header(s)->e_phoff = s->size - 8;
}

SPOIL(program_headers_wrap)
{
    sample_header(s)->e_phoff = UINT64_MAX - 8;
}

SPOIL(interpreter)
{
    sample_segment(s, PT_NOTE, 0)->p_type = PT_INTERP;
}

SPOIL(executable_stack)
{
    sample_segment(s, PT_GNU_STACK, 0)->p_flags |= PF_X;
}

SPOIL(writable_code)
{
    sample_segment(s, PT_LOAD, 1)->p_flags |= PF_W;
}

SPOIL(executable_data)
{
    sample_segment(s, PT_LOAD, 3)->p_flags |= PF_X;
}

SPOIL(unreadable)
{
    sample_segment(s, PT_LOAD, 1)->p_flags = PF_X;
}

SPOIL(not_from_zero)
{
    sample_segment(s, PT_LOAD, 0)->p_vaddr = 0x1000;
}

SPOIL(overlapping)
{
    sample_segment(s, PT_LOAD, 2)->p_memsz = 0x3000;
}

SPOIL(page_shared)
{
    sample_segment(s, PT_LOAD, 0)->p_memsz = 0x1001;
}

SPOIL(unsorted)
{
    Elf64_Phdr *a = sample_segment(s, PT_LOAD, 1);
    Elf64_Phdr *b = sample_segment(s, PT_LOAD, 2);
    Elf64_Phdr swap = *a;

    *a = *b;
    *b = swap;
}

SPOIL(file_over_memory)
{
    Elf64_Phdr *p = sample_segment(s, PT_LOAD, 3);

    p->p_memsz = p->p_filesz - 1;
}

SPOIL(segment_beyond_file)
{
    sample_segment(s, PT_LOAD, 3)->p_offset = s->size - 16;
}

SPOIL(segment_offset_wraps)
{
    sample_segment(s, PT_LOAD, 3)->p_offset = UINT64_MAX - 16;
}

SPOIL(segment_address_wraps)
{
    sample_segment(s, PT_LOAD, 3)->p_vaddr = UINT64_MAX - 16;
}

SPOIL(segment_too_large)
{
    sample_segment(s, PT_LOAD, 3)->p_memsz = UINT64_C(1) << 36;
}

SPOIL(nothing_to_load)
{
    for (unsigned i = 4; i-- > 0;)
        sample_segment(s, PT_LOAD, i)->p_type = PT_NULL;
}

/* A table of 20 program headers behind the file. */
SPOIL(too_many_segments)
{
    Elf64_Phdr p = *sample_segment(s, PT_LOAD, 0);
    Elf64_Phdr *table;

    s->bytes = realloc(s->bytes, s->size + 8 + 20 * sizeof p);
    sample_header(s)->e_phoff = (s->size + 7) & ~UINT64_C(7);
    sample_header(s)->e_phnum = 20;
    table = (Elf64_Phdr *)(s->bytes + sample_header(s)->e_phoff);
    for (unsigned i = 0; i < 20; i++, p.p_vaddr += 0x1000)
        table[i] = p;
    s->size = sample_header(s)->e_phoff + 20 * sizeof p;
}

SPOIL(entry_in_data)
{
    sample_header(s)->e_entry = sample_segment(s, PT_LOAD, 3)->p_vaddr;
}

SPOIL(entry_nowhere)
{
    sample_header(s)->e_entry = UINT64_MAX;
}

SPOIL(needs_library)
{
    sample_dynamic(s, DT_RELACOUNT)->d_tag = DT_NEEDED;
}

SPOIL(text_relocations)
{
    sample_dynamic(s, DT_RELACOUNT)->d_tag = DT_TEXTREL;
}

SPOIL(text_relocations_by_flag)
{
    Elf64_Dyn *d = sample_dynamic(s, DT_RELACOUNT);

    d->d_tag = DT_FLAGS;
    d->d_un.d_val = DF_TEXTREL;
}

SPOIL(relocations_without_addend)
{
    sample_dynamic(s, DT_RELACOUNT)->d_tag = DT_REL;
}

SPOIL(packed_relocations)
{
    sample_dynamic(s, DT_RELACOUNT)->d_tag = 36; /* DT_RELR */
}

SPOIL(dynamic_without_end)
{
    sample_segment(s, PT_DYNAMIC, 0)->p_filesz = 32;
}

SPOIL(dynamic_nowhere)
{
    sample_segment(s, PT_DYNAMIC, 0)->p_vaddr = 0x100000;
}

SPOIL(odd_relocation_entries)
{
    sample_dynamic(s, DT_RELAENT)->d_un.d_val = 16;
}

SPOIL(relocations_wrap)
{
    sample_dynamic(s, DT_RELA)->d_un.d_val = UINT64_MAX - 23;
}

SPOIL(relocations_beyond)
{
    sample_dynamic(s, DT_RELASZ)->d_un.d_val = UINT64_MAX / 24 * 24;
}

SPOIL(plt_relocations_beyond)
{
    sample_dynamic(s, DT_RELACOUNT)->d_tag = DT_PLTRELSZ;
    sample_dynamic(s, DT_PLTRELSZ)->d_un.d_val = 24;
    sample_dynamic(s, DT_SYMENT)->d_tag = DT_JMPREL;
    sample_dynamic(s, DT_JMPREL)->d_un.d_val = UINT64_C(1) << 40;
}

SPOIL(symbolic_relocation)
{
    sample_relocation(s)->r_info = ELF64_R_INFO(0, R_X86_64_64);
}

SPOIL(indirect_relocation)
{
    sample_relocation(s)->r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE);
}

SPOIL(relocation_in_code)
{
    sample_relocation(s)->r_offset = 0x1000;
}

SPOIL(relocation_wraps)
{
    sample_relocation(s)->r_offset = UINT64_MAX - 3;
}

SPOIL(tls_alignment)
{
    sample_segment(s, PT_TLS, 0)->p_align = 48;
}

SPOIL(tls_alignment_large)
{
    sample_segment(s, PT_TLS, 0)->p_align = 8192;
}

SPOIL(tls_huge)
{
    sample_segment(s, PT_TLS, 0)->p_memsz = UINT64_C(1) << 34;
}

SPOIL(tls_template_nowhere)
{
    sample_segment(s, PT_TLS, 0)->p_vaddr = 0x800000;
}

SPOIL(tls_twice)
{
    *sample_segment(s, PT_NOTE, 0) = *sample_segment(s, PT_TLS, 0);
}

SPOIL(relro_twice)
{
    *sample_segment(s, PT_NOTE, 0) = *sample_segment(s, PT_GNU_RELRO, 0);
}

SPOIL(relro_in_code)
{
    Elf64_Phdr *p = sample_segment(s, PT_GNU_RELRO, 0);

    p->p_vaddr = 0x1000;
    p->p_memsz = 0x1000;
}

SPOIL(relro_wraps)
{
    sample_segment(s, PT_GNU_RELRO, 0)->p_memsz = UINT64_MAX;
}

SPOIL(no_sections)
{
    sample_header(s)->e_shnum = 0;
}

SPOIL(sections_beyond)
{
    sample_header(s)->e_shoff = s->size - 64;
}

SPOIL(sections_wrap)
{
    sample_header(s)->e_shoff = UINT64_MAX - 63;
}

SPOIL(names_beyond)
{
    sample_section(s, ".shstrtab")->sh_offset = s->size;
}

SPOIL(section_beyond)
{
    sample_section(s, ".comment")->sh_size = UINT64_MAX;
}

SPOIL(no_layout)
{
    sample_section(s, ".aperture")->sh_name = 0;
}

SPOIL(no_signature)
{
    sample_section(s, ".sigstruct")->sh_name = 0;
}

SPOIL(two_layouts)
{
    sample_section(s, ".comment")->sh_name = sample_section(s, ".aperture")->sh_name;
}

SPOIL(layout_without_bytes)
{
    sample_section(s, ".aperture")->sh_type = SHT_NOBITS;
}

SPOIL(layout_size)
{
    sample_section(s, ".aperture")->sh_size = 4095;
}

SPOIL(layout_not_loaded)
{
    sample_section(s, ".aperture")->sh_flags = 0;
}

SPOIL(layout_unaligned)
{
    sample_section(s, ".aperture")->sh_addr -= 8;
}

SPOIL(layout_writable)
{
    sample_segment(s, PT_LOAD, 2)->p_flags |= PF_W;
}

SPOIL(layout_elsewhere_in_file)
{
    sample_section(s, ".aperture")->sh_offset -= 0x1000;
}

SPOIL(layout_over_headers)
{
    sample_section(s, ".aperture")->sh_offset = 0;
    sample_segment(s, PT_LOAD, 2)->p_offset = 0;
    sample_section(s, ".aperture")->sh_addr = sample_segment(s, PT_LOAD, 2)->p_vaddr;
}

SPOIL(signature_loaded)
{
    sample_section(s, ".sigstruct")->sh_flags = SHF_ALLOC;
}

SPOIL(signature_over_segment)
{
    sample_section(s, ".sigstruct")->sh_offset = 0x1000;
}

SPOIL(signature_over_sections)
{
    sample_section(s, ".sigstruct")->sh_offset = s->size - 4096;
}

SPOIL(one_byte_more)
{
    s->bytes = realloc(s->bytes, s->size + 1);
    s->bytes[s->size++] = 0;
}

SPOIL(garbage_in_signature)
{
    sample_sigstruct(s)[0] = 1;
}

SPOIL(garbage_behind_signature)
{
    sample_sigstruct(s)[4095] = 1;
}

SPOIL(signature_without_layout)
{
    const uint8_t header[16] = SGX_SIG_HEADER;

    memcpy(sample_sigstruct(s), header, sizeof header);
}

#define CASE(spoil, says)                                                                          \
    {                                                                                              \
#spoil, spoil, says                                                                        \
    }

static const struct {
    const char *name;
    void (*spoil)(struct sample *);
    const char *says;
} refusals[] = {
    CASE(not_elf, "is not an ELF file"),
    CASE(header_cut, "is truncated: 63 bytes"),
    CASE(class_32, "not a 64-bit little-endian"),
    CASE(big_endian, "not a 64-bit little-endian"),
    CASE(for_arm, "is for machine 183; an enclave is for x86-64"),
    CASE(fixed_address, "ELF type 2; an enclave is position independent"),
    CASE(no_program_headers, "no usable table of program headers"),
    CASE(odd_program_headers, "no usable table of program headers"),
    CASE(program_headers_beyond, "program headers at 0x"),
    CASE(program_headers_wrap, "program headers at 0xfffffffffffffff7 lie beyond the end"),
    CASE(interpreter, "asks the host for a dynamic linker"),
    CASE(executable_stack, "wants an executable stack"),
    CASE(writable_code, "the segment at 0x1000 is both writable and executable"),
    CASE(executable_data, "is both writable and executable"),
    CASE(unreadable, "the segment at 0x1000 is not readable"),
    CASE(not_from_zero, "the first segment is at 0x1000; an image starts at 0"),
    CASE(overlapping, "begins before 0x5000, where the pages of the one before it end"),
    CASE(page_shared, "the segment at 0x1000 begins before 0x2000"),
    CASE(unsorted, "the segment at 0x1000 begins before"),
    CASE(file_over_memory, "bytes in the file, but only 0x"),
    CASE(segment_beyond_file, "lie beyond the end of the file: it is truncated"),
    CASE(segment_offset_wraps, "lie beyond the end of the file: it is truncated"),
    CASE(segment_address_wraps, "leaves the largest ELRANGE"),
    CASE(segment_too_large, "leaves the largest ELRANGE"),
    CASE(nothing_to_load, "has no segment to load"),
    CASE(too_many_segments, "there are more than 16 segments"),
    CASE(entry_in_data, "is not in an executable segment"),
    CASE(entry_nowhere, "the entry point 0xffffffffffffffff is not in an executable segment"),
    CASE(needs_library, "depends on a shared library (DT_NEEDED)"),
    CASE(text_relocations, "relocations in code (DT_TEXTREL)"),
    CASE(text_relocations_by_flag, "relocations in code (DF_TEXTREL)"),
    CASE(relocations_without_addend, "relocations without addends (DT_REL)"),
    CASE(packed_relocations, "packed relocations (DT_RELR)"),
    CASE(dynamic_without_end, "does not end with DT_NULL"),
    CASE(dynamic_nowhere, "the dynamic section at 0x100000 is not in the file part"),
    CASE(odd_relocation_entries, "relocations of 16 bytes; expected 24"),
    CASE(relocations_wrap, "not whole entries in the file part of one segment"),
    CASE(relocations_beyond, "not whole entries in the file part of one segment"),
    CASE(plt_relocations_beyond, "the relocations at 0x10000000000+0x18 are not whole entries"),
    CASE(symbolic_relocation, "has type 1; an enclave relocates itself with R_X86_64_RELATIVE"),
    CASE(indirect_relocation, "has type 37; an enclave relocates itself with R_X86_64_RELATIVE"),
    CASE(relocation_in_code, "the relocation at 0x1000 is not in a writable segment"),
    CASE(relocation_wraps, "is not in a writable segment"),
    CASE(tls_alignment, "is aligned to 0x30; expected a power of two"),
    CASE(tls_alignment_large, "is aligned to 0x2000; expected a power of two up to a page"),
    CASE(tls_huge, "thread-local storage of 0x400000000 bytes"),
    CASE(tls_template_nowhere, "the template of thread-local storage at 0x800000"),
    CASE(tls_twice, "a second PT_TLS"),
    CASE(relro_twice, "a second PT_GNU_RELRO"),
    CASE(relro_in_code, "RELRO at 0x1000+0x1000 does not lie in one writable segment"),
    CASE(relro_wraps, "RELRO leaves the largest ELRANGE"),
    CASE(no_sections, "no usable table of section headers: do not strip it"),
    CASE(sections_beyond, "section headers at 0x"),
    CASE(sections_wrap, "section headers at 0xffffffffffffffc0 lie beyond the end"),
    CASE(names_beyond, "the section names are not in the file"),
    CASE(section_beyond, "lie beyond the end of the file: it is truncated"),
    CASE(no_layout, "has no section .aperture"),
    CASE(no_signature, "has no section .sigstruct"),
    CASE(two_layouts, "has more than one section .aperture"),
    CASE(layout_without_bytes, "section .aperture has type 8"),
    CASE(layout_size, "section .aperture has type 1 and 0xfff bytes; expected PROGBITS and 0x1000"),
    CASE(layout_not_loaded, "is not one whole page of a read-only segment"),
    CASE(layout_unaligned, "is not one whole page of a read-only segment"),
    CASE(layout_writable, "is not one whole page of a read-only segment"),
    CASE(layout_elsewhere_in_file, "in the file, its segment at 0x"),
    CASE(layout_over_headers, "section .aperture overlaps the file's headers"),
    CASE(signature_loaded, "section .sigstruct is loaded"),
    CASE(signature_over_segment, "section .sigstruct overlaps the segment at 0x1000"),
    CASE(signature_over_sections, "section .sigstruct overlaps the file's headers"),
    CASE(one_byte_more, "goes on for 1 bytes after the end of the ELF file"),
    CASE(garbage_in_signature, "section .sigstruct does not hold a SIGSTRUCT"),
    CASE(garbage_behind_signature, "section .sigstruct holds more than a SIGSTRUCT"),
    CASE(signature_without_layout, "has a SIGSTRUCT, but section .aperture is empty"),
};

Test(elf, a_well_made_image_is_accepted)
{
    struct sample s = sample_load();

    cr_assert_str_eq(sample_verdict(&s), "");
    sample_free(&s);
}

Test(elf, every_defect_is_refused_by_a_sentence_that_names_it)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct sample s = sample_load();
        const char *verdict;

        refusals[i].spoil(&s);
        verdict = sample_verdict(&s);
        cr_expect(strstr(verdict, refusals[i].says), "%s: expected '%s', got '%s'",
                  refusals[i].name, refusals[i].says, verdict);
        cr_expect(strncmp(verdict, "sample: ", 8) == 0, "%s: the file is not named: '%s'",
                  refusals[i].name, verdict);
        sample_free(&s);
    }
}

Test(elf, a_file_cut_at_any_length_is_refused)
{
    struct sample s = sample_load();
    size_t whole = s.size;

    for (size_t size = 0; size < whole; size += size < 0x400 || size > whole - 0x400 ? 1 : 61) {
        /* In memory of exactly this size, so that a sanitizer sees a step beyond it. */
        struct sample cut = {.bytes = malloc(size + 1), .size = size};

        memcpy(cut.bytes, s.bytes, size);
        cr_expect(sample_verdict(&cut)[0], "%zu of %zu bytes were accepted", size, whole);
        sample_free(&cut);
    }
    sample_free(&s);
}

Test(elf, a_refused_file_leaves_the_result_alone)
{
    struct sample s = sample_load();
    struct image image;
    struct image untouched;
    struct image_error error;

    memset(&image, 0x5a, sizeof image);
    untouched = image;
    s.bytes[0] = 0;
    cr_assert_lt(image_from_memory("sample", s.bytes, s.size, &image, &error), 0);
    cr_assert_arr_eq(&image, &untouched, sizeof image);
    sample_free(&s);
}
