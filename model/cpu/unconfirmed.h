/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unconfirmed.h - what the manual leaves open, and what was chosen here
 *
 * Each row is a point on which the manual is silent, says two things, or leaves the matter to the
 * processor: nobody should take the model's answer for knowledge about silicon. The code that makes
 * the choice says UNCONFIRMED(NAME) above it, so a search for the name finds it, a name that is not
 * in this list does not compile, and a test finds the names that no code claims.
 *
 *     X(NAME, "the question", "the choice")
 */
#ifndef MODEL_CPU_UNCONFIRMED_H
#define MODEL_CPU_UNCONFIRMED_H

#define CPU_UNCONFIRMED(X)                                                                         \
    /* building */                                                                                 \
    X(EADD_STATE_BITS, "PENDING, MODIFIED or PR in the SECINFO of EADD",                           \
      "measured as given, and never reach the EPCM")                                               \
    X(SHADOW_STACK_TYPES, "the shadow-stack page types in EADD, EAUG, EMODT and EACCEPT",          \
      "refused, like everything of CET")                                                           \
    X(TCS_CET_FIELDS, "bytes 72 to 87 of a TCS on a processor without CET",                        \
      "reserved: EADD and EACCEPT want them zero")                                                 \
    X(EINIT_TWICE, "EINIT of an initialised enclave",                                              \
      "#GP, after the signature and the SECS page")                                                \
    X(EINIT_CET, "CET_ATTRIBUTES and their mask in SIGSTRUCT without CET",                         \
      "zero, else SGX_INVALID_SIG_STRUCT")                                                         \
    X(EINIT_EXT_PROD_ID, "ISVEXTPRODID in SIGSTRUCT without ATTRIBUTES.KSS",                       \
      "accepted and stored; only ISVFAMILYID is checked")                                          \
    X(QUOTIENT_RANGE, "range checks on Q1 and Q2",                                                 \
      "each step must leave a residue of the modulus, else SGX_INVALID_SIGNATURE")                 \
    X(EREMOVE_TRIM, "EREMOVE of an accepted TRIM page: done, or nothing to do",                    \
      "removed, whoever is inside")                                                                \
    /* faults of operands */                                                                       \
    X(ENCLU_PFEC, "error code when the EPCM refuses an operand of ENCLU",                          \
      "P, U and bit 15; W if the leaf writes the operand")                                         \
    X(ENCLS_PFEC, "the same of ENCLS", "P and bit 15, without U")                                  \
    X(LINEAR_ADDRESSES, "the width of linear addresses", "48 bits")                                \
    /* changing pages */                                                                           \
    X(EACCEPT_PR, "whether EACCEPT compares PR",                                                   \
      "no: PR in the request is accepted on a page that was never restricted")                     \
    X(EACCEPT_STATELESS, "EACCEPT of a REG page with neither PENDING nor PR", "#GP")               \
    X(EACCEPTCOPY_WALK, "order and access of the page walk for EACCEPTCOPY's target",              \
      "a write, after SECINFO and before the source, before any look at the EPCM")                 \
    X(EMODT_RUNNING_TCS, "EMODT of a TCS that a thread runs on",                                   \
      "allowed: the thread goes on, the next entry is #PF")                                        \
    /* entering and leaving */                                                                     \
    X(EENTER_AEXNOTIFY, "known bits of TCS.FLAGS at EENTER, and whether AEXNOTIFY must agree",     \
      "as for ERESUME: known where CPUID offers it, equal to the SECS unless DBGOPTIN")            \
    X(NOTIFIED_RCX, "RCX after an ERESUME that notifies",                                          \
      "the address after the instruction, as for EENTER")                                          \
    X(EDECCSSA_TCS, "what EDECCSSA checks of a TCS that was trimmed under the thread",             \
      "nothing: CSSA and the frame below are all it looks at")                                     \
    X(EXITINFO_WITHOUT_EXINFO, "EXITINFO of #PF and #GP without MISCSELECT.EXINFO", "cleared")     \
    /* keys and reports */                                                                         \
    X(KEY_FUNCTION, "the function that derives keys",                                              \
      "AES-128-CMAC over the manual's inputs in a fixed order")                                    \
    X(CPUSVN_ORDER, "when a CPUSVN is beyond the current one",                                     \
      "when any of its bytes is; all zero never is")                                               \
    X(CONFIGSVN_CHECK, "keys for which a CONFIGSVN beyond the enclave's is refused",               \
      "SEAL only; PROVISION_SEAL takes any")                                                       \
    X(PROVISION_CONFIGSVN, "CONFIGSVN as an input of the PROVISION key", "not an input")           \
    X(TARGETINFO_RESERVED, "reserved bytes of TARGETINFO", "ignored")                              \
    /* paging */                                                                                   \
    X(PAGING_CIPHER, "key, nonce and authenticated bytes of an evicted page",                      \
      "AES-128-GCM, a key of platform and boot, the version as nonce; EID, LINADDR, SECINFO and "  \
      "the reserved bytes of PCMD are authenticated, ENCLAVEID is not")                            \
    X(EWB_EBLOCK, "the #GP of EWB when EBLOCK has not 'occurred correctly'",                       \
      "never: a page is blocked or it is not")                                                     \
    X(ELDU_SECS, "a PAGEINFO.SECS that is no SECS page, or given for a page without owner",        \
      "#PF at it for REG, TCS and TRIM; not looked at for SECS and VA")                            \
    X(ELDU_TYPE, "ELDU of a PCMD that names a type that does not exist",                           \
      "verified like a page without owner, hence SGX_MAC_COMPARE_FAIL")                            \
    X(ELDU_SLOT, "the version slot after ELDU, where the text contradicts itself",                 \
      "cleared on success, kept on failure; an empty slot is SGX_MAC_COMPARE_FAIL")                \
    X(ELDU_FAILED_CONTENT, "what the EPC page holds after SGX_MAC_COMPARE_FAIL", "what it held")   \
    X(ELDB_TRACKING, "tracking of a page that was loaded blocked",                                 \
      "none is due: EWB takes it at once")                                                         \
    /* debugging */                                                                                \
    X(TCS_LIMIT, "SGX_TCS_LIMIT, how much of a TCS EDBGRD reads",                                  \
      "the 72 bytes before the CET fields")

#define CPU_UNCONFIRMED_ENUM(name, question, choice) UNCONFIRMED_##name,
enum cpu_unconfirmed { CPU_UNCONFIRMED(CPU_UNCONFIRMED_ENUM) CPU_UNCONFIRMED_COUNT };

/* At file scope, above the code that makes the choice. */
#define UNCONFIRMED(name) _Static_assert((int)UNCONFIRMED_##name >= 0, #name)

#endif
