// SPDX-License-Identifier: Apache-2.0
/*
 * test_demangle.c - names as g++, clang and rustc make them; wanted is what binutils' c++filt --no-params says, but for
 * "> >", the suffixes of numbers and the long forms of std::string's relatives.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/demangle.h"
#include "unit/check.h"

static const struct {
	const char *name, *want; /* NULL: not translated */
} cases[] = {
	{ "main", NULL },
	{ "", NULL },
	{ "_Z", NULL },
	{ "_ZN", NULL },
	{ "_Z3foov", "foo" },
	{ "_ZN4shop4CartIlE3addEl", "shop::Cart<long>::add" },
	{ "_ZN4shop12_GLOBAL__N_15totalEi", "shop::(anonymous namespace)::total" },
	{ "_ZN4shop4CartIlEC1Ev", "shop::Cart<long>::Cart" },
	{ "_ZN4shop4CartIlED0Ev", "shop::Cart<long>::~Cart" },
	{ "_ZNK4shop4CartclERKS0_", "shop::Cart::operator()" },
	{ "_ZNSt6vectorIiSaIiEE9push_backERKi",
	  "std::vector<int, std::allocator<int>>::push_back" },
	{ "_ZNSsC1EPKc", "std::basic_string::basic_string" },
	{ "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE6appendEPKc",
	  "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char>>::append" },
	{ "_ZStlsIwSt11char_traitsIwEERSt13basic_ostreamIT_T0_ES6_PKS3_",
	  "std::operator<< <wchar_t, std::char_traits<wchar_t>>" },
	{ "_ZN3fooIPFviEE3barEv", "foo<void (*)(int)>::bar" },
	{ "_ZN3fooIPPFvvEE3barEv", "foo<void (**)()>::bar" },
	{ "_ZN3fooIRA19_KcE3barEv", "foo<char const (&) [19]>::bar" },
	{ "_ZN3fooIM3BariE3barEv", "foo<int Bar::*>::bar" },
	{ "_ZN3fooILb1ELin3EE3barEv", "foo<true, -3>::bar" },
	{ "_ZN3fooIJEE3barEv", "foo<>::bar" },
	{ "_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()" },
	{ "_ZZN3fooC1EvENKUlPiE0_clES0_", "foo::foo::{lambda(int*)#2}::operator()" },
	{ "_ZThn16_N3foo3barEv", "non-virtual thunk to foo::bar" },
	{ "_ZTV3foo", "vtable for foo" },
	{ "_ZN3foo3barB5cxx11Ev", "foo::bar[abi:cxx11]" },
	{ "_ZN3fooL3barEv", "foo::bar" },
	{ "_ZNK3foocvbEv", "foo::operator bool" },
	{ "_Zli2_sy", "operator\"\" _s" },
	{ "_ZN3foo3barEv.cold", "foo::bar.cold" },
	{ "_ZN3foo3barEi.constprop.0", "foo::bar.constprop.0" },
	{ "_ZN3fooIXadL_Z3barvEEE3bazEv", NULL }, /* an expression */
	{ "_ZN3fooIS9_E3barEv", NULL },		  /* refers to nothing */
	{ "_ZN99999999999999999999fooE", NULL },
	{ "_ZN4core3ptr42drop_in_place$LT$alloc..string..String$GT$17h0123456789abcdefE",
	  "core::ptr::drop_in_place<alloc::string::String>" },
	{ "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE",
	  "<Test + 'static as foo::Bar<Test>>::bar" },
	{ "_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE.llvm.123",
	  "std::rt::lang_start::{{closure}}.llvm.123" },
	{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
	{ "_RINvNtCsd_4core3mem4swapNtNtCsa_5alloc6string6StringECsb_4main",
	  "core::mem::swap::<alloc::string::String>" },
	{ "_RNCNvCsgStHSCytQ6I_7mycrate4main0B3_", "mycrate::main::{closure#0}" },
	{ "_RNvYNtC3foo3BarNtB4_5Trait3run", "<foo::Bar as foo::Trait>::run" },
	{ "_RINvC3foo3barReSmTlhEAhj3_OxE",
	  "foo::bar::<&str, [u32], (i32, u8), [u8; 3], *mut i64>" },
	{ "_RINvC3foo3barFUKCmEuDNtB2_1TEL_Kb1_E",
	  "foo::bar::<unsafe extern \"C\" fn(u32), dyn foo::T, true>" },
	{ "_RNvB_3foo", NULL }, /* refers to itself */
	{ "_R", NULL },
};

static void test_names(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(cases); i++) {
		char text[512] = "untouched";
		bool ok = pf_demangle(cases[i].name, text, sizeof(text));

		PF_CHECK_INT(cases[i].name, ok, cases[i].want != NULL);
		PF_CHECK_STR(cases[i].name, text, cases[i].want ? cases[i].want : "untouched");
	}
}

static void test_short_of_room(void)
{
	char text[32];

	PF_CHECK("whole", pf_demangle("_ZN4shop4CartIlE3addEl", text, 22));
	PF_CHECK_STR("whole", text, "shop::Cart<long>::add");
	PF_CHECK("without arguments", pf_demangle("_ZN4shop4CartIlE3addEl", text, 21));
	PF_CHECK_STR("without arguments", text, "shop::Cart<...>::add");
	PF_CHECK("cut", pf_demangle("_ZN4shop4CartIlE3addEl", text, 12));
	PF_CHECK_STR("cut", text, "shop::Ca...");
	PF_CHECK("Rust", pf_demangle("_RINvC3foo3barReSmTlhEAhj3_OxE", text, sizeof(text)));
	PF_CHECK_STR("Rust", text, "foo::bar::<...>");
}

/* Each argument is the one before twice: written out, it has 2^60 letters. */
static void test_doubling(void)
{
	char name[1024] = "_Z1fI1aIiiE", text[128];
	size_t len = strlen(name);

	for (unsigned i = 0; i < 60; i++)
		len += (size_t)snprintf(name + len, sizeof(name) - len, "S_IS%u_S%u_E", i, i);
	snprintf(name + len, sizeof(name) - len, "Evv");
	PF_CHECK("given up", !pf_demangle(name, text, sizeof(text)));

	/* Rust: a tuple of two references to the tuple before. */
	char rust[512] = "_RINvC1a1bTllE";
	size_t before = 8; /* where "TllE" begins, behind _R */

	len = strlen(rust);
	for (unsigned i = 0; i < 40; i++) {
		static const char digits[] =
			"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
		size_t at = len - 2;

		if (before > 62)
			len += (size_t)snprintf(
				rust + len, sizeof(rust) - len, "TB%c%c_B%c%c_E",
				digits[(before - 1) / 62], digits[(before - 1) % 62],
				digits[(before - 1) / 62], digits[(before - 1) % 62]);
		else
			len += (size_t)snprintf(rust + len, sizeof(rust) - len, "TB%c_B%c_E",
						digits[before - 1], digits[before - 1]);
		before = at;
	}
	snprintf(rust + len, sizeof(rust) - len, "E");
	PF_CHECK("given up", !pf_demangle(rust, text, sizeof(text)));
}

/* In a path that is not written: a list of 600 constants, and 900 references to it. */
static void test_reading_again(void)
{
	char name[4096] = "_RMIC1aIC1a", text[128];
	size_t len = strlen(name);

	for (unsigned i = 0; i < 600; i++)
		len += (size_t)snprintf(name + len, sizeof(name) - len, "Kp");
	len += (size_t)snprintf(name + len, sizeof(name) - len, "E");
	for (unsigned i = 0; i < 900; i++) {
		if (i == 10) {
			char few[sizeof(name) + 2];

			snprintf(few, sizeof(few), "%sEu", name);
			PF_CHECK("few are read", pf_demangle(few, text, sizeof(text)));
			PF_CHECK_STR("few are read", text, "<()>");
		}
		len += (size_t)snprintf(name + len, sizeof(name) - len, "B4_");
	}
	snprintf(name + len, sizeof(name) - len, "Eu");
	PF_CHECK("given up", !pf_demangle(name, text, sizeof(text)));
}

static void test_nesting(void)
{
	char name[4000] = "_Z1fI", text[128];

	memset(name + 5, 'P', 3000);
	snprintf(name + 3005, 8, "iEvv");
	PF_CHECK("pointers to pointers", !pf_demangle(name, text, sizeof(text)));
	memset(name, 'N', sizeof(name) - 1);
	memcpy(name, "_R", 2);
	name[sizeof(name) - 1] = '\0';
	PF_CHECK("paths in paths", !pf_demangle(name, text, sizeof(text)));
}

PF_TEST_SUITE(demangle, { "names", test_names }, { "short of room", test_short_of_room },
	      { "doubling", test_doubling }, { "reading again", test_reading_again },
	      { "nesting", test_nesting });
