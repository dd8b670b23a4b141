/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/leaf.h"

#define USE_MODEL "or use the software SGX2: APERTURE_DEVICE=model"

/* os_error 0 stands for every errno that has no row of its own, and closes the step's rows. */
struct reason {
    enum error_step step;
    int os_error;
    sgx_status_t status;
    const char *sentence;
};

static const struct reason reasons[] = {
    {STEP_OPEN, -ENOENT, SGX_ERROR_NO_DEVICE,
     "there is no SGX driver here; boot Linux 5.11 or later on a processor with SGX2, with SGX and "
     "flexible launch control enabled in the firmware, " USE_MODEL},
    {STEP_OPEN, -EACCES, SGX_ERROR_NO_DEVICE,
     "this user may not open the device; join the group that owns it (usually `sgx`, set by "
     "udev), " USE_MODEL},
    {STEP_OPEN, -EPERM, SGX_ERROR_NO_DEVICE,
     "this process may not open the device; let the sandbox or container pass it "
     "through, " USE_MODEL},
    {STEP_OPEN, -ENODEV, SGX_ERROR_NO_DEVICE,
     "the node has no driver behind it; enable SGX in the firmware, " USE_MODEL},
    {STEP_OPEN, -ENXIO, SGX_ERROR_NO_DEVICE,
     "the node has no driver behind it; enable SGX in the firmware, " USE_MODEL},
    {STEP_OPEN, -EBUSY, SGX_ERROR_DEVICE_BUSY, "the device is busy; try again"},
    {STEP_OPEN, -EAGAIN, SGX_ERROR_DEVICE_BUSY,
     "the processor is updating its security version; try again"},
    {STEP_OPEN, -EMFILE, SGX_ERROR_OUT_OF_MEMORY,
     "the process has too many files open; raise `ulimit -n`"},
    {STEP_OPEN, -ENFILE, SGX_ERROR_OUT_OF_MEMORY, "the system has too many files open"},
    {STEP_OPEN, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY, "the kernel is out of memory"},
    {STEP_OPEN, -EINVAL, SGX_ERROR_NO_DEVICE,
     "the software SGX2 refuses a setting: correct APERTURE_DRIVER or APERTURE_EPC_SIZE; standard "
     "error says which"},
    {STEP_OPEN, 0, SGX_ERROR_NO_DEVICE, "the device cannot be opened; see dmesg, " USE_MODEL},

    {STEP_VDSO, 0, SGX_ERROR_NO_DEVICE,
     "the kernel offers no __vdso_sgx_enter_enclave; use Linux 5.11 or later built with "
     "CONFIG_X86_SGX, " USE_MODEL},

    {STEP_RESERVE, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY,
     "no run of free addresses is that long; raise `ulimit -v`, or sign a smaller heap and smaller "
     "regions"},
    {STEP_RESERVE, 0, SGX_ERROR_MEMORY_MAP_CONFLICT, "the addresses cannot be reserved"},

    {STEP_CREATE, -EIO, SGX_ERROR_INVALID_MISC,
     "the processor refused ECREATE: it does not have the signed ATTRIBUTES, XFRM or MISCSELECT, "
     "or "
     "not an ELRANGE that large; sign without the feature"},
    {STEP_CREATE, -EINVAL, SGX_ERROR_INVALID_ENCLAVE,
     "the driver refused the SECS: ELRANGE is not a power of two"},
    {STEP_CREATE, -ENOMEM, SGX_ERROR_OUT_OF_EPC,
     "the EPC or the kernel's memory is exhausted; end other enclaves, or enlarge the EPC in the "
     "firmware"},
    {STEP_CREATE, -EBUSY, SGX_ERROR_DEVICE_BUSY, "another ioctl is running on this enclave"},
    {STEP_CREATE, 0, SGX_ERROR_UNEXPECTED, "the driver refused to create the enclave; see dmesg"},

    {STEP_PROVISION, -ENOENT, SGX_ERROR_INVALID_MISC,
     "the enclave is signed for PROVISIONKEY, and this system cannot permit it: there is no "
     "provisioning node"},
    {STEP_PROVISION, -EACCES, SGX_ERROR_INVALID_MISC,
     "the enclave is signed for PROVISIONKEY, which this user may not grant; join the group that "
     "owns the node (usually `sgx_prv`), or sign without PROVISIONKEY"},
    {STEP_PROVISION, 0, SGX_ERROR_INVALID_MISC,
     "the enclave is signed for PROVISIONKEY, and permitting it failed; sign without PROVISIONKEY "
     "if it is not needed"},

    {STEP_SOURCE, 0, SGX_ERROR_OUT_OF_MEMORY,
     "there is no memory to add the enclave's pages from; raise `ulimit -v`"},

    {STEP_ADD_PAGES, -ENOMEM, SGX_ERROR_OUT_OF_EPC,
     "the EPC or the kernel's memory is exhausted; end other enclaves, sign fewer initial pages, "
     "or "
     "enlarge the EPC in the firmware"},
    {STEP_ADD_PAGES, -EBUSY, SGX_ERROR_INVALID_ENCLAVE,
     "a page is there already, or another ioctl is running on this enclave"},
    {STEP_ADD_PAGES, -EINVAL, SGX_ERROR_INVALID_ENCLAVE,
     "the driver refused the pages: range, page type or permissions are not legal; sign again"},
    {STEP_ADD_PAGES, -EACCES, SGX_ERROR_NO_DEVICE,
     "the pages' source may not become executable: it lies on a file system mounted noexec, or a "
     "security module forbids it"},
    {STEP_ADD_PAGES, -EIO, SGX_ERROR_UNEXPECTED,
     "the processor refused EADD or EEXTEND; the EPC may have been lost to a suspend: try again"},
    {STEP_ADD_PAGES, 0, SGX_ERROR_UNEXPECTED, "the driver refused to add pages; see dmesg"},

    {STEP_INIT, -EPERM, SGX_ERROR_INVALID_SIGNATURE,
     "EINIT refused: the pages are not those that were signed, the signature does not verify, or "
     "the attributes (DEBUG, for one) are not those that its mask demands; sign again, or load "
     "with the attributes that were signed"},
    {STEP_INIT, -EACCES, SGX_ERROR_INVALID_MISC,
     "an attribute is not permitted: PROVISIONKEY needs access to /dev/sgx_provision, "
     "EINITTOKENKEY "
     "is never granted, AEXNOTIFY needs Linux 6.2 or later; sign without it"},
    {STEP_INIT, -EINVAL, SGX_ERROR_INVALID_MISC,
     "this platform cannot provide the ATTRIBUTES, XFRM or MISCSELECT that the signature demands, "
     "or the SIGSTRUCT is malformed; sign with a narrower mask"},
    {STEP_INIT, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY, "the kernel is out of memory"},
    {STEP_INIT, -EBUSY, SGX_ERROR_DEVICE_BUSY, "another ioctl is running on this enclave"},
    {STEP_INIT, -EIO, SGX_ERROR_UNEXPECTED,
     "EINIT faulted; the EPC may have been lost to a suspend: try again"},
    {STEP_INIT, 0, SGX_ERROR_UNEXPECTED, "the driver refused to initialise; see dmesg"},

    {STEP_PROBE, -ENODEV, SGX_ERROR_FEATURE_NOT_SUPPORTED,
     "the enclave has dynamic pages or read-only relocations, and this processor has SGX1 only; "
     "use "
     "a processor with SGX2, " USE_MODEL},
    {STEP_PROBE, -ENOTTY, SGX_ERROR_FEATURE_NOT_SUPPORTED,
     "the enclave has dynamic pages or read-only relocations, and this kernel cannot change a "
     "running enclave; use Linux 6.0 or later, " USE_MODEL},
    {STEP_PROBE, 0, SGX_ERROR_FEATURE_NOT_SUPPORTED,
     "the enclave has dynamic pages or read-only relocations, and the driver did not answer the "
     "SGX2 probe as one that has them"},

    {STEP_MAP, -EPERM, SGX_ERROR_NO_DEVICE,
     "executable pages cannot be mapped from the device: its file system is mounted noexec; run "
     "`mount -o remount,exec /dev`"},
    {STEP_MAP, -EACCES, SGX_ERROR_MEMORY_MAP_CONFLICT,
     "the mapping wants more than its pages were added with, the process runs with "
     "READ_IMPLIES_EXEC (setarch -X, an executable stack), or a policy of this system denies "
     "pages that come after EINIT, or W and X together; let it permit them to this program, or "
     "sign without dynamic regions or without code regions"},
    {STEP_MAP, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY,
     "the process has too many mappings; raise vm.max_map_count"},
    {STEP_MAP, 0, SGX_ERROR_MEMORY_MAP_CONFLICT, "the enclave's pages cannot be mapped"},
};

static const char *const steps[] = {
    [STEP_OPEN] = "open",
    [STEP_VDSO] = "look up",
    [STEP_RESERVE] = "reserve",
    [STEP_CREATE] = "ENCLAVE_CREATE",
    [STEP_PROVISION] = "ENCLAVE_PROVISION",
    [STEP_SOURCE] = "mmap",
    [STEP_ADD_PAGES] = "ENCLAVE_ADD_PAGES",
    [STEP_INIT] = "ENCLAVE_INIT",
    [STEP_PROBE] = "ENCLAVE_RESTRICT_PERMISSIONS",
    [STEP_MAP] = "mmap",
};

static void say(struct ap_error *ret_error, sgx_status_t status, int os_error, const char *format,
                va_list args)
{
    ret_error->status = status;
    ret_error->os_error = os_error;
    vsnprintf(ret_error->text, sizeof ret_error->text, format, args);
}

sgx_status_t error_say(struct ap_error *ret_error, sgx_status_t status, int os_error,
                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(ret_error, status, os_error, format, args);
    va_end(args);
    return status;
}

static const struct reason *reason_for(enum error_step step, int os_error)
{
    const struct reason *r = reasons;

    while (r->step != step || (r->os_error != os_error && r->os_error != 0))
        r++;
    return r;
}

sgx_status_t error_step(struct ap_error *ret_error, enum error_step step, int os_error,
                        const char *where)
{
    const struct reason *r = reason_for(step, os_error);

    return error_say(ret_error, r->status, os_error, "%s: %s: %s: %s", where, steps[step],
                     strerror(-os_error), r->sentence);
}

static const char *einit_words(uint64_t code)
{
    switch (code) {
    case SGX_INVALID_SIG_STRUCT:
        return "SGX_INVALID_SIG_STRUCT: the SIGSTRUCT is malformed; sign again";
    case SGX_INVALID_ATTRIBUTE:
        return "SGX_INVALID_ATTRIBUTE: the enclave's attributes, DEBUG for one, are not those that "
               "the signature's mask demands; load with the attributes that were signed";
    case SGX_INVALID_MEASUREMENT:
        return "SGX_INVALID_MEASUREMENT: the pages that were loaded are not those that were "
               "signed; "
               "sign again, or find out who changed the file";
    case SGX_INVALID_SIGNATURE:
        return "SGX_INVALID_SIGNATURE: the signature does not verify under the key beside it (or "
               "Q1 "
               "or Q2 is wrong); sign again, or find out who changed the file";
    case SGX_INVALID_EINITTOKEN:
        return "SGX_INVALID_EINITTOKEN: the launch token is not valid for this signer";
    case SGX_INVALID_CPUSVN:
        return "SGX_INVALID_CPUSVN: the launch token is from another security version";
    case SGX_UNMASKED_EVENT:
        return "SGX_UNMASKED_EVENT: EINIT was interrupted too often; try again";
    default:
        return "a code that the manual does not give to EINIT";
    }
}

sgx_status_t error_einit(struct ap_error *ret_error, uint64_t code)
{
    return error_say(ret_error, SGX_ERROR_INVALID_SIGNATURE, -EPERM,
                     "EINIT refused the enclave with code %llu, %s", (unsigned long long)code,
                     einit_words(code));
}
