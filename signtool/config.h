/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the signing configuration: what the author wants, from an XML file
 *
 *   <EnclaveConfiguration>
 *     <ProdID>1</ProdID>                         identity, 16 bits; default 0
 *     <ISVSVN>1</ISVSVN>                         security version, 16 bits; default 0
 *     <StackMaxSize>0x40000</StackMaxSize>       bytes per thread; default 0x40000
 *     <HeapInitSize>0x10000</HeapInitSize>       bytes loaded; default 0x10000, or HeapMaxSize if
 *                                                that is less
 *     <HeapMaxSize>0x100000</HeapMaxSize>        bytes it may grow to; default HeapInitSize
 *     <TCSNum>1</TCSNum>                         threads at once; default 1
 *     <DisableDebug>0</DisableDebug>             1: never a debug enclave; default 0: both
 *     <MiscSelect>1</MiscSelect>                 bit 0: fault details reach the enclave; default 1
 *     <MiscMask>0xFFFFFFFF</MiscMask>            which bits of it the loader must match
 *     <ProvisionKey>0</ProvisionKey>             default 0
 *     <EnableKSS>0</EnableKSS>                   default 0
 *     <XFRM>3</XFRM>                             extended features, matched exactly; default 3
 *     <Aperture>
 *       <Region name="jit" size="0x1000000" policy="publish" max="RX" initial="0"/>
 *     </Aperture>
 *   </EnclaveConfiguration>
 *
 * Numbers are decimal or 0x. Sizes are in bytes, whole pages. Every element may stand once, Region
 * up to CONFIG_REGION_MAX times. Nothing else is accepted: no other elements or attributes, no text
 * between elements, no document type, no encoding but UTF-8.
 */
#ifndef SIGNTOOL_CONFIG_H
#define SIGNTOOL_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "abi/layout.h"

#define CONFIG_SIZE_MAX   (1u << 20)
#define CONFIG_REGION_MAX (AP_REGION_MAX - 3) /* rows less heap, page map, threads */

struct config_region {
    char name[AP_REGION_NAME_SIZE];
    uint64_t size;    /* bytes */
    uint64_t initial; /* bytes */
    uint8_t policy;   /* enum ap_policy */
    uint8_t max_perm; /* AP_PERM_* */
    unsigned long line, column;
};

struct config {
    uint64_t prod_id;
    uint64_t isv_svn;
    uint64_t stack_size;
    uint64_t heap_init;
    uint64_t heap_max;
    uint64_t tcs_num;
    uint64_t disable_debug;
    uint64_t misc_select;
    uint64_t misc_mask;
    uint64_t provision_key;
    uint64_t enable_kss;
    uint64_t xfrm;
    size_t region_count;
    struct config_region region[CONFIG_REGION_MAX];
};

/* Why and where a configuration was refused. line 0: the file as a whole. */
struct config_error {
    unsigned long line, column; /* both count from 1 */
    char text[256];
};

/*
 * config_parse() - from the bytes of an XML file to a configuration
 * config_read()  - the same from a file
 *
 * 0, or -1 with error filled; ret_config is written on success only.
 */
int config_parse(const char *bytes, size_t size, struct config *ret_config,
                 struct config_error *error);
int config_read(const char *path, struct config *ret_config, struct config_error *error);

#endif
