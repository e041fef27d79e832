/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpa_math.h - logarithm, powers and decay factors to the last bit as the real VPA computes them on
 * amd64.
 *
 * A recommendation is a truncated double, and some bucket edges lie on an integer, so the last bit
 * decides about 2.5 % of the amounts. The C library's functions are as good but round differently;
 * these follow the published fdlibm approximations in the order of operations that VPA's run time
 * uses. They need IEEE doubles, round to nearest, and no fused multiply-add (the build says
 * -ffp-contract=off).
 *
 * Not general: arguments are what the histograms produce (see each function).
 */
#ifndef PF_CORE_VPA_MATH_H
#define PF_CORE_VPA_MATH_H

/** pf_vpa_ln() - natural logarithm of a finite @x > 0. */
double pf_vpa_ln(double x);

/** pf_vpa_exp2() - 2^x; 0 below -1074, infinity from 1024 on. @x is not NaN. */
double pf_vpa_exp2(double x);

/** pf_vpa_powi() - x^n for x >= 0, infinity included. */
double pf_vpa_powi(double x, int n);

#endif
