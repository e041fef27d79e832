// SPDX-License-Identifier: Apache-2.0
/*
 * shop.cc - a program whose functions are to be named by another. Prints their addresses, one a line, and waits for the
 * end of its input. With an argument it also makes memory for code, tells a perf map of it, and prints its address.
 */
#include <cstdio>
#include <sys/mman.h>
#include <unistd.h>

namespace shop {
template <typename T> struct Cart {
	static __attribute__((noinline)) int add(T item)
	{
		return static_cast<int>(item) + 1;
	}
};
namespace {
__attribute__((noinline)) int total(int a)
{
	return a * 3;
}
} // namespace
struct Price {
	int cents;
	__attribute__((noinline)) static bool less(const Price &a, const Price &b)
	{
		return a.cents < b.cents;
	}
};
} // namespace shop

extern "C" __attribute__((noinline)) int shop_plain(int a)
{
	return a + 7;
}

static void print(const void *address)
{
	printf("%p\n", address);
}

static bool tell_perf_map()
{
	char path[64];
	void *code = mmap(nullptr, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		return false;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	FILE *map = fopen(path, "w");
	if (!map)
		return false;
	fprintf(map, "%lx 40 Checkout.pay\n", reinterpret_cast<unsigned long>(code));
	fclose(map);
	print(code);
	return true;
}

int main(int argc, char **)
{
	char byte;

	print(reinterpret_cast<const void *>(&shop::Cart<long>::add));
	print(reinterpret_cast<const void *>(&shop::total));
	print(reinterpret_cast<const void *>(&shop::Price::less));
	print(reinterpret_cast<const void *>(&shop_plain));
	if (argc > 1 && !tell_perf_map())
		return 1;
	fflush(stdout);
	return read(0, &byte, 1) > 0;
}
