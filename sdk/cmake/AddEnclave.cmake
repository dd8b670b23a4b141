# SPDX-License-Identifier: Apache-2.0
# add_enclave(NAME SOURCES a.c ... CONFIG file.xml [KEY key.pem] [INCLUDES dir ...])
#
# Builds NAME.so from the sources and the trusted runtime, and from that NAME.signed.so with ap-sign.
# Without KEY a key is made in the build tree: fine for development, worthless for trust.
#
# Afterwards there are
#   NAME              a target that builds the signed file; its property AP_SIGNED_FILE is the path
#   NAME_image        the unsigned NAME.so, an executable target: link trusted libraries to it
#   ${NAME}_SIGNED    in the caller's scope: the path of the signed file
#
# Enclave code is freestanding, position independent, and holds only relocations that the runtime can
# apply to itself. Paths are kept out of it, so that two builds in two folders measure alike.

# musl supplies the headers, and of its library what works without a system call: memory and string
# functions, setjmp. The unsigned file is checked for instructions that an enclave cannot execute.
find_library(AP_MUSL_LIBC NAMES libc.a NO_DEFAULT_PATH REQUIRED
             PATHS /usr/lib/x86_64-linux-musl /usr/lib/musl/lib /usr/local/musl/lib)
find_path(AP_MUSL_INCLUDE NAMES setjmp.h NO_DEFAULT_PATH REQUIRED
          PATHS /usr/include/x86_64-linux-musl /usr/lib/musl/include /usr/local/musl/include)
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
                OUTPUT_VARIABLE AP_COMPILER_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE)

set(AP_ENCLAVE_COMPILE_OPTIONS
    -O2 -g -ffreestanding -fPIE -fvisibility=hidden
    -fstack-protector-strong -fstack-clash-protection
    -mno-avx -fcf-protection=none -fno-asynchronous-unwind-tables -ftls-model=local-exec
    -ffunction-sections -fdata-sections
    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=." "-ffile-prefix-map=${CMAKE_BINARY_DIR}=."
    -nostdinc -isystem${AP_MUSL_INCLUDE} -isystem${AP_COMPILER_INCLUDE})
set(AP_ENCLAVE_WARNINGS
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes
    -Wmissing-prototypes -Werror)
set(AP_ENCLAVE_LINK_OPTIONS
    -nostdlib -static-pie -Wl,--no-dynamic-linker -Wl,-e,enclave_entry -Wl,-u,enclave_entry
    -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,-z,max-page-size=4096
    -Wl,-z,relro -Wl,-z,now -Wl,-z,text -Wl,--gc-sections -Wl,--build-id=none
    -Wl,--fatal-warnings)

# The project's own headers, in its tree.
set(AP_SDK_DIR ${CMAKE_CURRENT_LIST_DIR}/..)

# One key a build tree, for enclaves that name none.
set(AP_DEVELOPMENT_KEY ${CMAKE_BINARY_DIR}/development-key.pem)
add_custom_command(
    OUTPUT ${AP_DEVELOPMENT_KEY}
    COMMAND openssl genrsa -3 -out ${AP_DEVELOPMENT_KEY} 3072
    COMMENT "Making a development signing key" VERBATIM)
add_custom_target(ap_development_key DEPENDS ${AP_DEVELOPMENT_KEY})

# ap_enclave_compile(TARGET): compile a target's C and assembly as enclave code.
function(ap_enclave_compile target)
    target_compile_options(${target} PRIVATE ${AP_ENCLAVE_COMPILE_OPTIONS} ${AP_ENCLAVE_WARNINGS})
    target_include_directories(${target} PRIVATE ${AP_SDK_DIR} ${AP_SDK_DIR}/include)
    set_target_properties(${target} PROPERTIES C_STANDARD 11 C_EXTENSIONS ON
                          POSITION_INDEPENDENT_CODE OFF INTERPROCEDURAL_OPTIMIZATION OFF)
endfunction()

# ap_enclave_compile_command(VARIABLE): the same as a command line, for a custom command.
function(ap_enclave_compile_command variable)
    set(${variable} ${CMAKE_C_COMPILER} -std=gnu11 ${AP_ENCLAVE_COMPILE_OPTIONS}
        -I${AP_SDK_DIR} -I${AP_SDK_DIR}/include PARENT_SCOPE)
endfunction()

function(add_enclave name)
    cmake_parse_arguments(E "" "CONFIG;KEY" "SOURCES;INCLUDES" ${ARGN})
    if(E_UNPARSED_ARGUMENTS OR NOT E_SOURCES OR NOT E_CONFIG)
        message(FATAL_ERROR "add_enclave(${name}): expected SOURCES and CONFIG; KEY, INCLUDES")
    endif()

    set(signed ${CMAKE_CURRENT_BINARY_DIR}/${name}.signed.so)
    get_filename_component(config ${E_CONFIG} ABSOLUTE)
    if(E_KEY)
        get_filename_component(key ${E_KEY} ABSOLUTE)
        set(key_target)
    else()
        set(key ${AP_DEVELOPMENT_KEY})
        set(key_target ap_development_key)
    endif()

    add_executable(${name}_image ${E_SOURCES})
    ap_enclave_compile(${name}_image)
    target_include_directories(${name}_image PRIVATE ${E_INCLUDES})
    target_link_options(${name}_image PRIVATE ${AP_ENCLAVE_LINK_OPTIONS})
    target_link_libraries(${name}_image PRIVATE aperture_trts ${AP_MUSL_LIBC})
    set_target_properties(${name}_image PROPERTIES OUTPUT_NAME ${name} SUFFIX .so)

    add_custom_command(
        OUTPUT ${signed}
        COMMAND ap-sign sign -e $<TARGET_FILE:${name}_image> -c ${config} -k ${key} -o ${signed}
        DEPENDS ${name}_image ap-sign ${config} ${key} ${key_target}
        COMMENT "Signing ${name}.signed.so" VERBATIM)
    add_custom_target(${name} ALL DEPENDS ${signed})
    set_target_properties(${name} PROPERTIES AP_SIGNED_FILE ${signed})
    set(${name}_SIGNED ${signed} PARENT_SCOPE)
endfunction()
