// SPDX-License-Identifier: Apache-2.0
#include "core/vpa_math.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* ln 2 in two parts: the high one has 21 zero bits at its end, so that its product with a small
 * integer is exact. */
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW	 1.90821492927058770002e-10

double pf_vpa_ln(double x)
{
	/* Minimax coefficients of fdlibm's logarithm: ln(1+f) = 2s + s^3 (...), s = f / (2 + f). */
	static const double c1 = 6.666666666666735130e-01, c2 = 3.999999999940941908e-01,
			    c3 = 2.857142874366239149e-01, c4 = 2.222219843214978396e-01,
			    c5 = 1.818357216161805012e-01, c6 = 1.531383769920937332e-01,
			    c7 = 1.479819860511658591e-01;
	int exponent;
	double mantissa = frexp(x, &exponent);

	if (mantissa < M_SQRT1_2) { /* into [sqrt(1/2), sqrt(2)) */
		mantissa *= 2;
		exponent--;
	}

	double f = mantissa - 1, k = exponent;
	double s = f / (2 + f), s2 = s * s, s4 = s2 * s2;
	double odd = s2 * (c1 + s4 * (c3 + s4 * (c5 + s4 * c7)));
	double even = s4 * (c2 + s4 * (c4 + s4 * c6));
	double half_square = 0.5 * f * f;

	return k * LN2_HIGH -
	       ((half_square - (s * (half_square + (odd + even)) + k * LN2_LOW)) - f);
}

double pf_vpa_exp2(double x)
{
	/* Minimax coefficients of fdlibm's exponential. */
	static const double p1 = 1.66666666666666657415e-01, p2 = -2.77777777770155933842e-03,
			    p3 = 6.61375632143793436117e-05, p4 = -1.65339022054652515390e-06,
			    p5 = 4.13813679705723846039e-08;

	if (x >= 1024)
		return INFINITY;
	if (x < -1074)
		return 0;

	/* Nearest integer, half away from zero; the cast truncates. */
	int k = x > 0 ? (int)(x + 0.5) : x < 0 ? (int)(x - 0.5) : 0;
	double rest = x - k;
	double high = rest * LN2_HIGH, low = -rest * LN2_LOW;
	double r = high - low, r2 = r * r;
	double c = r - r2 * (p1 + r2 * (p2 + r2 * (p3 + r2 * (p4 + r2 * p5))));

	return ldexp(1 - ((low - (r * c) / (2 - c)) - high), k);
}

double pf_vpa_powi(double x, int n)
{
	if (n == 0)
		return 1;
	if (n == 1)
		return x; /* as given: the way through the mantissa would be the same, but for
			     infinity */
	if (x == 0 || isinf(x))
		return (x == 0) == (n > 0) ? 0 : INFINITY;

	/* Square and multiply on the mantissa in [0.5, 1), the exponent kept apart and applied once
	 * at the end. */
	int square_exponent, exponent = 0;
	double square = frexp(x, &square_exponent), product = 1;

	for (unsigned bits = (unsigned)abs(n); bits; bits >>= 1) {
		if (bits & 1) {
			product *= square;
			exponent += square_exponent;
		}
		square *= square;
		square_exponent *= 2;
		if (square < 0.5) {
			square += square;
			square_exponent--;
		}
	}
	if (n < 0)
		return ldexp(1 / product, -exponent);
	return ldexp(product, exponent);
}
