/* SPDX-License-Identifier: Apache-2.0 */
/* config_test.c - configurations that are taken, and many that are not */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "config_value.h"

#define ROOT(inside)   "<EnclaveConfiguration>" inside "</EnclaveConfiguration>"
#define IN_APERTURE(x) ROOT("<Aperture>" x "</Aperture>")

static struct config_error error;

static int parse(const char *text, struct config *ret_config)
{
    return config_parse(text, strlen(text), ret_config, &error);
}

Test(config, an_empty_configuration_gives_the_documented_defaults)
{
    struct config c;

    cr_assert_eq(parse("<EnclaveConfiguration/>", &c), 0, "%s", error.text);
    cr_assert_eq(c.prod_id, 0);
    cr_assert_eq(c.isv_svn, 0);
    cr_assert_eq(c.stack_size, 0x40000);
    cr_assert_eq(c.heap_init, 0x10000);
    cr_assert_eq(c.heap_max, 0x10000);
    cr_assert_eq(c.tcs_num, 1);
    cr_assert_eq(c.disable_debug, 0);
    cr_assert_eq(c.misc_select, 1);
    cr_assert_eq(c.misc_mask, 0xffffffff);
    cr_assert_eq(c.xfrm, 3);
    cr_assert_eq(c.region_count, 0);
}

Test(config, every_element_is_taken_with_spaces_and_comments_around)
{
    struct config c;
    const char *text =
        "\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\n<!-- ours -->\n"
        "<EnclaveConfiguration>\n  <ProdID> 65535 </ProdID><ISVSVN>0xA</ISVSVN>\n"
        "<StackMaxSize>\n0x2000\n</StackMaxSize><HeapInitSize>4096</HeapInitSize>"
        "<HeapMaxSize>0X100000</HeapMaxSize><TCSNum>10</TCSNum><DisableDebug>1</DisableDebug>"
        "<MiscSelect>0</MiscSelect><MiscMask>0xFFFFfffe</MiscMask><ProvisionKey>1</ProvisionKey>"
        "<EnableKSS>1</EnableKSS><XFRM>0x<!-- AVX -->7</XFRM>\n</EnclaveConfiguration>\n";

    cr_assert_eq(parse(text, &c), 0, "%lu:%lu %s", error.line, error.column, error.text);
    cr_assert_eq(c.prod_id, 65535);
    cr_assert_eq(c.isv_svn, 10);
    cr_assert_eq(c.stack_size, 0x2000);
    cr_assert_eq(c.heap_init, 0x1000);
    cr_assert_eq(c.heap_max, 0x100000);
    cr_assert_eq(c.tcs_num, 10);
    cr_assert_eq(c.disable_debug, 1);
    cr_assert_eq(c.misc_select, 0);
    cr_assert_eq(c.misc_mask, 0xfffffffe);
    cr_assert_eq(c.provision_key, 1);
    cr_assert_eq(c.enable_kss, 1);
    cr_assert_eq(c.xfrm, 7);
}

Test(config, a_region_takes_its_permissions_from_its_policy)
{
    struct config c;

    cr_assert_eq(parse(IN_APERTURE("<Region name='a' size='0x1000' policy='data'/>"
                                   "<Region name='b' size='0x2000' policy='publish' max='RX'/>"
                                   "<Region name='c' size='4096' policy='toggle' initial='4096'/>"
                                   "<Region name='d-_9' size='0x1000' policy='rwx'/>"
                                   "<Region name='e' size='0x1000' policy='data' max='R'/>"),
                       &c),
                 0, "%s", error.text);
    cr_assert_eq(c.region_count, 5);
    cr_assert_eq(c.region[0].max_perm, AP_PERM_R | AP_PERM_W);
    cr_assert_eq(c.region[1].max_perm, AP_PERM_R | AP_PERM_X);
    cr_assert_eq(c.region[2].max_perm, AP_PERM_R | AP_PERM_W | AP_PERM_X);
    cr_assert_eq(c.region[2].initial, 4096);
    cr_assert_eq(c.region[3].policy, AP_POLICY_RWX);
    cr_assert_eq(c.region[4].max_perm, AP_PERM_R);
}

Test(config, the_heap_grows_only_if_asked_to)
{
    struct config c;

    cr_assert_eq(parse(ROOT("<HeapInitSize>0x5000</HeapInitSize>"), &c), 0);
    cr_assert_eq(c.heap_max, 0x5000);
    cr_assert_eq(parse(ROOT("<HeapMaxSize>0x5000</HeapMaxSize>"), &c), 0);
    cr_assert_eq(c.heap_init, 0x5000);
    cr_assert_eq(parse(ROOT("<HeapMaxSize>0x50000</HeapMaxSize>"), &c), 0);
    cr_assert_eq(c.heap_init, 0x10000);
}

static const struct {
    const char *text;
    unsigned long line, column;
    const char *says;
} bad[] = {
    /* not XML */
    {"", 1, 1, "no element found"},
    {"hello", 1, 1, "syntax error"},
    {"<EnclaveConfiguration>", 1, 23, "no element found"},
    {"<EnclaveConfiguration>\n <ProdID>1</ISVSVN>", 2, 13, "mismatched tag"},
    {"<EnclaveConfiguration/><EnclaveConfiguration/>", 1, 24, "junk after document element"},
    {ROOT("<ProdID>&lots;</ProdID>"), 1, 31, "undefined entity"},
    {ROOT("<ProdID>\xff\xfe</ProdID>"), 1, 31, "not well-formed"},
    {"\xff\xfe<", 1, 1, "this is not UTF-8"},
    {"\xfe\xff<", 1, 1, "this is not UTF-8"},
    {"<?xml version='1.0' encoding='ISO-8859-1'?>\n<EnclaveConfiguration/>", 1, 1,
     "the encoding is 'ISO-8859-1'; expected UTF-8"},
    /* not allowed here */
    {"<!DOCTYPE x>\n<EnclaveConfiguration/>", 1, 12, "a document type is not allowed"},
    {"<!DOCTYPE x [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>\n"
     "<EnclaveConfiguration>&b;</EnclaveConfiguration>",
     1, 13, "a document type is not allowed"},
    {"<?run this?><EnclaveConfiguration/>", 1, 1, "the processing instruction <?run?>"},
    {"<Configuration/>", 1, 1, "the root element is <Configuration>; expected <EnclaveConf"},
    {"<EnclaveConfiguration version='1'/>", 1, 1, "<EnclaveConfiguration> takes no attributes"},
    {"<EnclaveConfiguration>\n  text</EnclaveConfiguration>", 2, 1, "text where only elements"},
    {ROOT("<![CDATA[x]]>"), 1, 32, "text where only elements"},
    {IN_APERTURE("x"), 1, 33, "text where only elements"},
    {ROOT("\n\n  <HeapMinSize>1</HeapMinSize>"), 3, 3, "unknown element <HeapMinSize>"},
    {ROOT("<prodid>1</prodid>"), 1, 23, "unknown element <prodid>"},
    {ROOT("<ProdID unit='x'>1</ProdID>"), 1, 23, "<ProdID> takes no attributes"},
    {ROOT("<ProdID><b/></ProdID>"), 1, 31, "<b> stands inside an element that holds no others"},
    {ROOT("<ProdID>1</ProdID>\n<ProdID>1</ProdID>"), 2, 1, "twice; the first is on line 1"},
    {ROOT("<Aperture/>\n<Aperture/>"), 2, 1, "<Aperture> is given twice"},
    {ROOT("<Region/>"), 1, 23, "unknown element <Region>"},
    {IN_APERTURE("<ProdID>1</ProdID>"), 1, 33, "<Aperture> holds <Region> elements only"},
    /* numbers */
    {ROOT("<ProdID></ProdID>"), 1, 23, "ProdID is ''; expected a decimal or 0x number"},
    {ROOT("<ProdID/>"), 1, 23, "ProdID is ''; expected a decimal or 0x number"},
    {ROOT("<ProdID>one</ProdID>"), 1, 23, "ProdID is 'one'"},
    {ROOT("<ProdID>-1</ProdID>"), 1, 23, "ProdID is '-1'"},
    {ROOT("<ProdID>1 2</ProdID>"), 1, 23, "ProdID is '1 2'"},
    {ROOT("<ProdID>0x</ProdID>"), 1, 23, "ProdID is '0x'"},
    {ROOT("<ProdID>010</ProdID>"), 1, 23, "ProdID is '010'"},
    {ROOT("<ProdID>65536</ProdID>"), 1, 23, "ProdID is 0x10000; expected 0x0 to 0xffff"},
    {ROOT("<ProdID>18446744073709551616</ProdID>"), 1, 23, "ProdID is '18446744073709551616'"},
    {ROOT("<ProdID>0x10000000000000000</ProdID>"), 1, 23, "ProdID is '0x10000000000000000'"},
    {ROOT("<ProdID>1111111111111111111111111111111111111111111111111111111111111111</ProdID>"), 1,
     23, "the content of <ProdID> is too long for a number"},
    {ROOT("<DisableDebug>2</DisableDebug>"), 1, 23, "DisableDebug is 0x2; expected 0x0 to 0x1"},
    {ROOT("<TCSNum>0</TCSNum>"), 1, 23, "TCSNum is 0x0; expected 0x1 to 0x1000"},
    {ROOT("<TCSNum>4097</TCSNum>"), 1, 23, "TCSNum is 0x1001; expected 0x1 to 0x1000"},
    {ROOT("<MiscSelect>3</MiscSelect>"), 1, 23, "MiscSelect is 0x3; expected 0x0 to 0x1"},
    {ROOT("<MiscMask>0x100000000</MiscMask>"), 1, 23, "MiscMask is 0x100000000"},
    {ROOT("<XFRM>2</XFRM>"), 1, 23, "XFRM is 0x2; expected 3, and with it any of"},
    {ROOT("<XFRM>0xe3</XFRM>"), 1, 23, "XFRM is 0xe3; expected 3, and with it any of"},
    /* sizes */
    {ROOT("<StackMaxSize>0x2001</StackMaxSize>"), 1, 23, "expected a multiple of 0x1000"},
    {ROOT("<StackMaxSize>0x1000</StackMaxSize>"), 1, 23, "expected 0x2000 to 0x40000000"},
    {ROOT("<HeapInitSize>0</HeapInitSize>"), 1, 23, "HeapInitSize is 0x0; expected 0x1000 to"},
    {ROOT("<HeapMaxSize>0x8000000000000000</HeapMaxSize>"), 1, 23, "expected 0x1000 to"},
    {ROOT("<HeapMaxSize>0x1000</HeapMaxSize>\n <HeapInitSize>0x2000</HeapInitSize>"), 2, 2,
     "HeapInitSize is 0x2000, more than HeapMaxSize 0x1000"},
    /* regions */
    {IN_APERTURE("<Region/>"), 1, 33, "Region lacks its name"},
    {IN_APERTURE("<Region name='a' policy='data'/>"), 1, 33, "Region lacks its size"},
    {IN_APERTURE("<Region name='a' size='4096'/>"), 1, 33, "Region lacks its policy"},
    {IN_APERTURE("<Region name='a' name='b'/>"), 1, 50, "duplicate attribute"},
    {IN_APERTURE("<Region colour='red'/>"), 1, 33, "Region has no attribute 'colour'"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data'>x</Region>"), 1, 76, "text where"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data'><b/></Region>"), 1, 76,
     "<b> stands inside an element that holds no others"},
    {IN_APERTURE("<Region name='' size='4096' policy='data'/>"), 1, 33, "cannot be named ''"},
    {IN_APERTURE("<Region name='Jit' size='4096' policy='data'/>"), 1, 33, "cannot be named 'Jit'"},
    {IN_APERTURE("<Region name='9' size='4096' policy='data'/>"), 1, 33, "cannot be named '9'"},
    {IN_APERTURE("<Region name='a b' size='4096' policy='data'/>"), 1, 33, "cannot be named 'a b'"},
    {IN_APERTURE("<Region name='a&#10;b' size='4096' policy='data'/>"), 1, 33, "named 'a?b'"},
    {IN_APERTURE("<Region name='abcdefghijklmnopqrstuvwx' size='4096' policy='data'/>"), 1, 33,
     "cannot be named 'abcdefghijklmnopqrstuvwx'"},
    {IN_APERTURE("<Region name='heap' size='4096' policy='data'/>"), 1, 33, "the name 'heap' belo"},
    {IN_APERTURE("<Region name='threads' size='4096' policy='data'/>"), 1, 33, "'threads' belongs"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data'/>\n"
                 "<Region name='a' size='4096' policy='data'/>"),
     2, 1, "a region 'a' is already on line 1"},
    {IN_APERTURE("<Region name='a' size='4096' policy='none'/>"), 1, 33, "unknown policy 'none'"},
    {IN_APERTURE("<Region name='a' size='4096' policy='RWX'/>"), 1, 33, "unknown policy 'RWX'"},
    {IN_APERTURE("<Region name='a' size='0' policy='data'/>"), 1, 33, "size is 0x0; expected"},
    {IN_APERTURE("<Region name='a' size='4097' policy='data'/>"), 1, 33, "expected a multiple of"},
    {IN_APERTURE("<Region name='a' size='big' policy='data'/>"), 1, 33, "size is 'big'; expected"},
    {IN_APERTURE("<Region name='a' size='0xfffffffffffff000' policy='data'/>"), 1, 33,
     "size is 0xfffffffffffff000; expected 0x1000 to 0x800000000"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data' initial='8192'/>"), 1, 33,
     "initial is 0x2000, more than the size 0x1000"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data' initial='1'/>"), 1, 33,
     "initial is 0x1; expected a multiple"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data' max='W'/>"), 1, 33, "max is 'W'"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data' max='XR'/>"), 1, 33, "max is 'XR'"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data' max='RR'/>"), 1, 33, "max is 'RR'"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data' max=''/>"), 1, 33, "max is ''"},
    {IN_APERTURE("<Region name='a' size='4096' policy='data' max='RX'/>"), 1, 33,
     "max contradicts policy 'data' of region 'a'"},
    {IN_APERTURE("<Region name='a' size='4096' policy='publish' max='RWX'/>"), 1, 33,
     "max contradicts policy 'publish' of region 'a'"},
    {IN_APERTURE("<Region name='a' size='4096' policy='toggle' max='RW'/>"), 1, 33,
     "max contradicts policy 'toggle' of region 'a'"},
};

Test(config, every_bad_configuration_is_refused_at_its_place_by_a_sentence)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct config c, untouched;

        memset(&c, 0x5a, sizeof c);
        untouched = c;
        cr_expect_lt(parse(bad[i].text, &c), 0, "accepted: %s", bad[i].text);
        cr_expect(strstr(error.text, bad[i].says), "%s:\nexpected '%s', got '%s'", bad[i].text,
                  bad[i].says, error.text);
        cr_expect(error.line == bad[i].line && error.column == bad[i].column,
                  "%s: expected %lu:%lu, got %lu:%lu", bad[i].text, bad[i].line, bad[i].column,
                  error.line, error.column);
        cr_expect_arr_eq(&c, &untouched, sizeof c, "%s: the result was touched", bad[i].text);
    }
}

Test(config, utf_16_is_refused_with_and_without_a_mark)
{
    static const char root[] = "<EnclaveConfiguration/>";
    char wide[2 * sizeof root + 2] = "\xff\xfe";
    size_t size = 2 * (sizeof root - 1);
    struct config c;

    for (size_t i = 0; i + 1 < sizeof root; i++)
        wide[2 + 2 * i] = root[i];
    cr_expect_lt(config_parse(wide, size + 2, &c, &error), 0);
    cr_expect_str_eq(error.text, "this is not UTF-8");
    cr_expect_lt(config_parse(wide + 2, size, &c, &error), 0);
    cr_expect_str_eq(error.text, "this is not UTF-8");
}

static char *with_regions(unsigned count)
{
    char *text = malloc(256 + count * 80u);
    char *at = text + sprintf(text, "<EnclaveConfiguration><Aperture>");

    for (unsigned i = 0; i < count; i++)
        at += sprintf(at, "<Region name='r%u' size='4096' policy='publish'/>\n", i);
    strcpy(at, "</Aperture></EnclaveConfiguration>");
    return text;
}

Test(config, as_many_regions_fit_as_the_layout_page_has_rows_for_and_not_one_more)
{
    char *most = with_regions(CONFIG_REGION_MAX);
    char *more = with_regions(CONFIG_REGION_MAX + 1);
    struct config c;

    cr_assert_eq(parse(most, &c), 0, "%s", error.text);
    cr_assert_eq(c.region_count, CONFIG_REGION_MAX);
    cr_assert_lt(parse(more, &c), 0);
    cr_assert(strstr(error.text, "more than 53 regions"), "%s", error.text);
    cr_assert_eq(error.line, CONFIG_REGION_MAX + 1);
    free(most);
    free(more);
}

Test(config, a_file_of_a_mebibyte_is_read_and_one_byte_more_is_refused)
{
    static const char root[] = "<EnclaveConfiguration/>";
    char path[] = "/tmp/config_test.XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    struct config c;

    fprintf(file, "%s%*s", root, (int)(CONFIG_SIZE_MAX - strlen(root)), "");
    fflush(file);
    cr_expect_eq(config_read(path, &c, &error), 0, "%s", error.text);
    fputc(' ', file);
    fclose(file);
    cr_expect_lt(config_read(path, &c, &error), 0);
    cr_expect(strstr(error.text, "is larger than 1048576 bytes"));
    cr_expect_eq(error.line, 0);
    unlink(path);
}

Test(config, a_missing_file_is_named_as_such)
{
    struct config c;

    cr_assert_lt(config_read("/nonexistent/config.xml", &c, &error), 0);
    cr_assert(strstr(error.text, "cannot be read: No such file"));
    cr_assert_lt(config_read("/", &c, &error), 0);
    cr_assert(strstr(error.text, "cannot be read: Is a directory"));
}
