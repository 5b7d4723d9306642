# Turns the report's style sheet and script, uPlot's in front of them, into C++:
#     cmake -DUPLOT=FOLDER -DREPORT=FOLDER -DOUTPUT=FILE -P embed.cmake
# With their hashes as a Content-Security-Policy wants them: base64 of SHA-256.
cmake_minimum_required(VERSION 3.20)

# 12 bits are three digits of the one and two of the other.
function(base64_of_sha256 text result)
    string(SHA256 hex "${text}")
    set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    set(base64)
    foreach(at RANGE 0 60 3)
        string(SUBSTRING "${hex}" ${at} 3 digits)
        math(EXPR high "0x${digits} >> 6")
        math(EXPR low "0x${digits} & 63")
        string(SUBSTRING "${alphabet}" ${high} 1 high)
        string(SUBSTRING "${alphabet}" ${low} 1 low)
        string(APPEND base64 "${high}${low}")
    endforeach()
    string(SUBSTRING "${hex}" 63 1 digit)
    math(EXPR last "0x${digit} << 2")
    string(SUBSTRING "${alphabet}" ${last} 1 last)
    set(${result} "${base64}${last}=" PARENT_SCOPE)
endfunction()

file(READ "${UPLOT}/LICENSE" license)
file(READ "${UPLOT}/uPlot.iife.min.js" uplot)
file(READ "${UPLOT}/uPlot.min.css" uplot_style)
file(READ "${REPORT}/page.js" page)
file(READ "${REPORT}/page.css" page_style)

set(script "/*!\n${license}*/\n${uplot}\n${page}")
set(style "${uplot_style}\n${page_style}")

# What would end the element that they are put into, or the literal, or change on the
# way through a browser's parser and so have another hash.
foreach(text IN ITEMS "${script}" "${style}")
    string(TOLOWER "${text}" lower)
    foreach(forbidden IN ITEMS "</s" "<!--" ")asset\"" "\r")
        string(FIND "${lower}" "${forbidden}" at)
        if(NOT at EQUAL -1)
            message(FATAL_ERROR "an asset of the report contains ${forbidden}")
        endif()
    endforeach()
endforeach()

base64_of_sha256("${script}" script_hash)
base64_of_sha256("${style}" style_hash)
file(WRITE "${OUTPUT}" "// Made by embed.cmake.
#include \"report/assets.h\"

namespace leash::tool {

const std::string_view kReportStyle = R\"asset(${style})asset\";
const std::string_view kReportStyleHash = \"${style_hash}\";
const std::string_view kReportScript = R\"asset(${script})asset\";
const std::string_view kReportScriptHash = \"${script_hash}\";

}  // namespace leash::tool
")
