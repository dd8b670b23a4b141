/* SPDX-License-Identifier: Apache-2.0 */
/* ap_sign_test.c - the program itself, from the command line to the file */
#include <criterion/criterion.h>

#include <dirent.h>
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "image/plan.h"

#define GOOD_CONFIG                                                                                \
    "<EnclaveConfiguration><ProdID>3</ProdID><TCSNum>2</TCSNum><HeapMaxSize>0x40000</HeapMaxSize>" \
    "<Aperture><Region name='jit' size='0x100000' policy='publish'/></Aperture>"                   \
    "</EnclaveConfiguration>"
#define SIGN AP_SIGN " sign -e enclave.so -c config.xml -k key.pem -o out.so "

static char folder[] = "/tmp/ap_sign_test.XXXXXX";
static char said[65536]; /* stdout and stderr of the last run */

/* Runs a shell command in the test's folder; its exit status. */
__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
    char command[2048];
    va_list arguments;
    size_t size;
    FILE *pipe;
    int status;

    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    strcat(command, " 2>&1");
    pipe = popen(command, "r");
    size = fread(said, 1, sizeof said - 1, pipe);
    said[size] = '\0';
    status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");

    cr_assert(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

static uint8_t *read_file(const char *path, size_t *ret_size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes;

    cr_assert(f, "%s is missing", path);
    fseek(f, 0, SEEK_END);
    *ret_size = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(*ret_size + 1);
    cr_assert_eq(fread(bytes, 1, *ret_size, f), *ret_size);
    fclose(f);
    return bytes;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static unsigned files_here(void)
{
    DIR *d = opendir(".");
    unsigned count = 0;

    while (readdir(d))
        count++;
    closedir(d);
    return count - 2;
}

static void prepare(void)
{
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    write_file("config.xml", GOOD_CONFIG, strlen(GOOD_CONFIG));
    cr_assert_eq(run("cp %s enclave.so && cp %s/good.pem key.pem", TEST_ENCLAVE, KEY_FOLDER), 0);
    unsetenv("SOURCE_DATE_EPOCH");
}

static void clean(void)
{
    cr_assert_eq(run("rm -rf %s", folder), 0);
}

TestSuite(ap_sign, .init = prepare, .fini = clean);

/* Exit status 1, the sentence, and only the three input files in the folder. */
static void expect_refusal(int status, const char *sentence)
{
    cr_expect_eq(status, 1, "exit status %d: %s", status, said);
    cr_expect(strstr(said, sentence), "expected '%s', got '%s'", sentence, said);
    cr_expect_not(exists("out.so"));
    cr_expect_eq(files_here(), 3, "something was left behind");
}

Test(ap_sign, signing_twice_with_one_date_gives_the_same_bytes)
{
    cr_assert_eq(run(SIGN "--date 20240131 --sgxs one.sgxs && mv out.so one.so"), 0, "%s", said);
    cr_assert_eq(run(SIGN "--date 20240131 --sgxs two.sgxs"), 0, "%s", said);
    cr_assert_eq(run("cmp out.so one.so && cmp one.sgxs two.sgxs"), 0, "%s", said);
    cr_assert_eq(files_here(), 3 + 4); /* out.so, one.so and their records */
}

Test(ap_sign, the_plain_hash_of_the_sgxs_file_is_the_measurement_in_the_signature)
{
    struct image_error error;
    struct image image;
    uint8_t *records, hash[32];
    size_t size;

    cr_assert_eq(run(SIGN "--sgxs records"), 0, "%s", said);
    cr_assert_eq(image_open("out.so", &image, &error), 0, "%s", error.text);
    records = read_file("records", &size);
    EVP_Digest(records, size, hash, NULL, EVP_sha256(), NULL);
    cr_assert(image_is_signed(&image));
    cr_assert_arr_eq(hash, image.sigstruct.enclave_hash, 32);
    cr_assert_eq(image.sigstruct.isv_prod_id, 3);
    free(records);
    image_close(&image);
}

static uint32_t date_of(const char *path)
{
    struct image_error error;
    struct image image;
    uint32_t date;

    cr_assert_eq(image_open(path, &image, &error), 0, "%s", error.text);
    date = image.sigstruct.date;
    image_close(&image);
    return date;
}

Test(ap_sign, the_date_is_the_option_else_the_environment_else_today)
{
    char today[16];
    time_t before = time(NULL);
    uint32_t date;

    cr_assert_eq(run("SOURCE_DATE_EPOCH=86400 " SIGN "--date 20240131"), 0, "%s", said);
    cr_assert_eq(date_of("out.so"), 0x20240131);
    cr_assert_eq(run("SOURCE_DATE_EPOCH=86400 " SIGN), 0, "%s", said);
    cr_assert_eq(date_of("out.so"), 0x19700102);
    cr_assert_eq(run(SIGN), 0, "%s", said);
    date = date_of("out.so");
    strftime(today, sizeof today, "%Y%m%d", gmtime(&before));
    if (date != strtoul(today, NULL, 16)) { /* midnight came between */
        before += 60;
        strftime(today, sizeof today, "%Y%m%d", gmtime(&before));
    }
    cr_assert_eq(date, strtoul(today, NULL, 16));
}

Test(ap_sign, signing_prints_both_identities_and_quiet_prints_nothing)
{
    cr_assert_eq(run(SIGN), 0);
    cr_assert(strstr(said, "MRENCLAVE  ") && strstr(said, "MRSIGNER  "), "%s", said);
    cr_assert_eq(run(SIGN "-q"), 0);
    cr_assert_str_eq(said, "");
}

Test(ap_sign, nothing_but_the_layout_page_and_the_signature_section_changes)
{
    size_t before_size, after_size;
    uint8_t *before = read_file("enclave.so", &before_size);
    struct image_error error;
    struct image image;
    uint8_t *after;

    cr_assert_eq(run(SIGN), 0, "%s", said);
    after = read_file("out.so", &after_size);
    cr_assert_eq(image_open("out.so", &image, &error), 0);
    cr_assert_eq(before_size, after_size);
    memset(after + image.layout_file_offset, 0, 4096);
    memset(after + image.signature_file_offset, 0, 4096);
    cr_assert_arr_eq(before, after, before_size);
    image_close(&image);
    free(before);
    free(after);
}

Test(ap_sign, dump_shows_the_signature_the_aperture_and_the_plan)
{
    static const char *const expected[] = {
        "HEADER               06000000e10000000000010000000000",
        "DATE                 20240131",
        "ENCLAVEHASH",
        "ISVPRODID            3",
        "ATTRIBUTES.FLAGS     0x4",
        "Q2 ",
        "MRSIGNER",
        "jit ",
        "publish",
        "Code can be published while the enclave runs",
        "Up to 256 pages (1024 KiB) may hold code that is not in this file.",
        "TCS ",
        "measurement, signature and summary agree",
    };

    cr_assert_eq(run(SIGN "--date 20240131"), 0, "%s", said);
    cr_assert_eq(run(AP_SIGN " dump out.so"), 0, "%s", said);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        cr_expect(strstr(said, expected[i]), "no '%s' in:\n%s", expected[i], said);
}

Test(ap_sign, dump_says_so_when_no_code_can_be_added)
{
    write_file("config.xml", "<EnclaveConfiguration/>", 23);
    cr_assert_eq(run(SIGN), 0, "%s", said);
    cr_assert_eq(run(AP_SIGN " dump out.so"), 0, "%s", said);
    cr_assert(strstr(said, "Nothing about this enclave's memory can change"), "%s", said);
}

Test(ap_sign, dump_refuses_a_file_that_is_not_signed)
{
    expect_refusal(run(AP_SIGN " dump enclave.so"), "enclave.so: is not signed");
    expect_refusal(run(AP_SIGN " dump missing.so"), "missing.so: cannot be opened: No such file");
    expect_refusal(run(AP_SIGN " dump config.xml"), "config.xml: is not an ELF file");
}

/* A signed file with one change, in "changed.so". */
static void sign_and_change(uint64_t (*where)(const struct image *))
{
    struct image_error error;
    struct image image;

    cr_assert_eq(run(SIGN), 0, "%s", said);
    cr_assert_eq(image_open("out.so", &image, &error), 0, "%s", error.text);
    image.bytes[where(&image)] ^= 1;
    write_file("changed.so", image.bytes, image.size);
    image_close(&image);
}

static uint64_t in_code(const struct image *image)
{
    (void)image;
    return 0x1000; /* the sample's code has equal offsets in file and memory */
}

static uint64_t in_signature(const struct image *image)
{
    return image->signature_file_offset + offsetof(struct sgx_sigstruct, signature) + 5;
}

static uint64_t in_q2(const struct image *image)
{
    return image->signature_file_offset + offsetof(struct sgx_sigstruct, q2);
}

static uint64_t in_summary(const struct image *image)
{
    return image->signature_file_offset + offsetof(struct sgx_sigstruct, swdefined);
}

static uint64_t in_attributes(const struct image *image)
{
    return image->signature_file_offset + offsetof(struct sgx_sigstruct, attributes) + 1;
}

static uint64_t in_layout(const struct image *image)
{
    return image->layout_file_offset + offsetof(struct ap_layout, elrange_size);
}

static uint64_t in_elf_header(const struct image *image)
{
    (void)image;
    return 18; /* e_machine */
}

Test(ap_sign, dump_refuses_a_signed_file_with_one_bit_changed_anywhere)
{
    static const struct {
        uint64_t (*where)(const struct image *);
        const char *says;
    } changes[] = {
        {in_code, "does not measure to ENCLAVEHASH: it was changed after signing"},
        {in_signature, "SIGNATURE of the SIGSTRUCT is not that of its fields"},
        {in_q2, "Q1 or Q2 of the SIGSTRUCT"},
        {in_summary, "SWDEFINED is not the summary of the layout page"},
        {in_attributes, "disagree about ATTRIBUTES"},
        {in_layout, "is not a power of two"},
        {in_elf_header, "is for machine"},
    };

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        sign_and_change(changes[i].where);
        cr_expect_eq(run(AP_SIGN " dump changed.so"), 1, "%zu", i);
        cr_expect(strstr(said, changes[i].says), "expected '%s', got '%s'", changes[i].says, said);
    }
}

Test(ap_sign, dump_refuses_a_signed_file_that_is_cut_or_continued)
{
    cr_assert_eq(run(SIGN), 0, "%s", said);
    cr_expect_eq(run("head -c -1 out.so > cut.so; " AP_SIGN " dump cut.so"), 1);
    cr_expect(strstr(said, "lie beyond the end of the file: it is truncated"), "%s", said);
    cr_expect_eq(run("(cat out.so; echo) > long.so; " AP_SIGN " dump long.so"), 1);
    cr_expect(strstr(said, "goes on for 1 bytes after the end of the ELF file"), "%s", said);
    cr_expect_eq(run("truncate -s 5G huge.so; " AP_SIGN " dump huge.so"), 1);
    cr_expect(strstr(said, "an enclave file has at most 4294967296"), "%s", said);
}

Test(ap_sign, a_garbled_configuration_is_refused_at_its_place)
{
    write_file("config.xml", "<EnclaveConfiguration>\n  <Heap/>", 32);
    expect_refusal(run(SIGN), "config.xml:2:3: error: unknown element <Heap>");
    write_file("config.xml",
               "\x7f"
               "ELF",
               4);
    expect_refusal(run(SIGN), "config.xml:1:1: error: not well-formed");
    unlink("config.xml");
    cr_assert_eq(symlink("nowhere", "config.xml"), 0);
    expect_refusal(run(SIGN), "config.xml: error: cannot be read: No such file");
}

Test(ap_sign, an_enclave_that_does_not_fit_into_elrange_is_refused)
{
    static const char text[] = "<EnclaveConfiguration><TCSNum>4096</TCSNum>"
                               "<StackMaxSize>0x40000000</StackMaxSize></EnclaveConfiguration>";

    write_file("config.xml", text, sizeof text - 1);
    expect_refusal(run(SIGN), "config.xml: the enclave takes 0x");
}

Test(ap_sign, an_rwx_region_is_signed_with_a_loud_warning)
{
    static const char text[] = "<EnclaveConfiguration><Aperture>\n<Region name='old' size='4096' "
                               "policy='rwx'/></Aperture></EnclaveConfiguration>";

    write_file("config.xml", text, sizeof text - 1);
    cr_assert_eq(run(SIGN "-q"), 0, "%s", said);
    cr_assert(strstr(said, "config.xml:2:1: warning: WRITABLE AND EXECUTABLE AT ONCE"), "%s", said);
    cr_assert_eq(run(AP_SIGN " dump out.so"), 0);
    cr_assert(strstr(said, "Pages can be WRITABLE AND EXECUTABLE AT ONCE."));
}

Test(ap_sign, a_key_that_cannot_be_used_is_refused)
{
    cr_assert_eq(run("cp %s/short.pem key.pem", KEY_FOLDER), 0);
    expect_refusal(run(SIGN), "key.pem: is an RSA key of 2048 bits; SGX takes 3072");
    write_file("key.pem", "garbage", 7);
    expect_refusal(run(SIGN), "key.pem: holds no PEM private key");
    unlink("key.pem");
    cr_assert_eq(symlink("nowhere", "key.pem"), 0);
    expect_refusal(run(SIGN), "key.pem: the key cannot be read: No such file");
}

Test(ap_sign, code_that_is_writable_is_refused)
{
    size_t size;
    uint8_t *bytes = read_file("enclave.so", &size);
    Elf64_Phdr *p = (Elf64_Phdr *)(bytes + ((Elf64_Ehdr *)bytes)->e_phoff);

    while (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
        p++;
    p->p_flags |= PF_W;
    write_file("enclave.so", bytes, size);
    free(bytes);
    expect_refusal(run(SIGN), "enclave.so: program header 1: the segment at 0x1000 is both "
                              "writable and executable");
}

Test(ap_sign, code_that_cannot_run_in_an_enclave_is_refused_unless_allowed)
{
    cr_assert_eq(run("cp %s enclave.so", TEST_ILLEGAL_ENCLAVE), 0);
    expect_refusal(run(SIGN), "<speaks_to_the_kernel+0x2>: 'syscall' raises #UD inside an enclave");
    cr_assert_eq(run(SIGN "--allow-illegal"), 0, "%s", said);
    cr_assert(strstr(said, "ap-sign: warning: enclave.so: 0x"), "%s", said);
    cr_assert(exists("out.so"));
}

Test(ap_sign, a_signed_file_is_not_signed_again)
{
    cr_assert_eq(run(SIGN "&& mv out.so enclave.so"), 0, "%s", said);
    expect_refusal(run(SIGN), "enclave.so: is signed already");
}

Test(ap_sign, a_refusal_leaves_an_earlier_output_alone)
{
    size_t size;
    uint8_t *bytes;

    write_file("out.so", "precious", 8);
    write_file("key.pem", "garbage", 7);
    cr_assert_eq(run(SIGN), 1);
    bytes = read_file("out.so", &size);
    cr_assert(size == 8 && memcmp(bytes, "precious", 8) == 0);
    cr_assert_eq(files_here(), 4);
    free(bytes);
}

Test(ap_sign, if_the_records_cannot_be_written_neither_output_appears)
{
    expect_refusal(run(SIGN "--sgxs missing/records"),
                   "missing/records: cannot be written: No such file");
    expect_refusal(run(SIGN "--sgxs /dev/full"), "/dev/full: exists and is not a regular file");
    expect_refusal(run("(ulimit -f 128; " SIGN "--sgxs records)"),
                   "records: cannot be written: File too large");
}

Test(ap_sign, an_output_that_cannot_be_written_is_named)
{
    expect_refusal(run(AP_SIGN " sign -e enclave.so -c config.xml -k key.pem -o missing/out.so"),
                   "missing/out.so: cannot be written: No such file");
    expect_refusal(run(AP_SIGN " sign -e enclave.so -c config.xml -k key.pem -o /dev/null"),
                   "/dev/null: exists and is not a regular file");
    cr_assert_eq(run("test -c /dev/null"), 0, "the device is still there");
}

Test(ap_sign, a_bad_source_date_epoch_is_refused)
{
    expect_refusal(run("SOURCE_DATE_EPOCH=yesterday " SIGN), "SOURCE_DATE_EPOCH is 'yesterday'");
}

Test(ap_sign, wrong_usage_has_an_exit_status_of_its_own)
{
    static const char *const wrong[] = {
        "",
        " nonsense",
        " sign",
        " sign -e enclave.so -c config.xml -k key.pem",
        " sign -e enclave.so -c config.xml -k key.pem -o out.so more",
        " sign -e enclave.so -c config.xml -k key.pem -o out.so --date 2024",
        " sign -e enclave.so -c config.xml -k key.pem -o out.so --sgxs out.so",
        " sign --wrong",
        " sign -e",
        " dump",
        " dump enclave.so enclave.so",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_eq(run("%s%s", AP_SIGN, wrong[i]), 2, "'%s'", wrong[i]);
        cr_expect(strstr(said, "usage: ap-sign sign"), "'%s': %s", wrong[i], said);
    }
    cr_expect_eq(files_here(), 3);
}

Test(ap_sign, help_and_version_go_to_standard_output)
{
    cr_assert_eq(run("%s --help 2>/dev/null", AP_SIGN), 0);
    cr_assert(strstr(said, "--allow-illegal"));
    cr_assert_eq(run("%s --version 2>/dev/null", AP_SIGN), 0);
    cr_assert_eq(strncmp(said, "ap-sign ", 8), 0);
}

Test(ap_sign, output_that_gets_lost_is_a_failure)
{
    cr_assert_eq(run("(%s --help > /dev/full)", AP_SIGN), 1);
    cr_assert(strstr(said, "standard output cannot be written"), "%s", said);
}
