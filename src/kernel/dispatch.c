#include "kernel/dispatch.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/variants.h"

static const struct kernel_table reference = {
    .name = "ref",
    .gemm_f32 = gemm_f32_ref,
    .transpose_f32 = transpose_f32_ref,
    .lookup_forward_f32 = lookup_forward_f32_ref,
    .lookup_backward_f32 = lookup_backward_f32_ref,
    .adam_step_f32 = adam_step_f32_ref,
    .tree_walk_u8 = tree_walk_u8_ref,
    .pair_moments_add_f64 = pair_moments_add_f64_ref,
    .silu_forward_f32 = silu_forward_f32_ref,
    .silu_backward_f32 = silu_backward_f32_ref,
    .glu_forward_f32 = glu_forward_f32_ref,
    .glu_backward_f32 = glu_backward_f32_ref,
    .norm_forward_f32 = norm_forward_f32_ref,
    .norm_backward_f32 = norm_backward_f32_ref,
    .weigh_forward_f32 = weigh_forward_f32_ref,
    .weigh_backward_f32 = weigh_backward_f32_ref,
    .exp_sum_f32 = exp_sum_f32_ref,
    .drop_f32 = drop_f32_ref,
    .add_f32 = add_f32_ref,
};

static const struct kernel_table avx2 = {
    .name = "avx2",
    .gemm_f32 = gemm_f32_avx2,
    .transpose_f32 = transpose_f32_avx2,
    .lookup_forward_f32 = lookup_forward_f32_avx2,
    .lookup_backward_f32 = lookup_backward_f32_avx2,
    .adam_step_f32 = adam_step_f32_avx2,
    .tree_walk_u8 = tree_walk_u8_avx2,
    .pair_moments_add_f64 = pair_moments_add_f64_avx2,
    .silu_forward_f32 = silu_forward_f32_avx2,
    .silu_backward_f32 = silu_backward_f32_avx2,
    .glu_forward_f32 = glu_forward_f32_avx2,
    .glu_backward_f32 = glu_backward_f32_avx2,
    .norm_forward_f32 = norm_forward_f32_avx2,
    .norm_backward_f32 = norm_backward_f32_avx2,
    .weigh_forward_f32 = weigh_forward_f32_avx2,
    .weigh_backward_f32 = weigh_backward_f32_avx2,
    .exp_sum_f32 = exp_sum_f32_avx2,
    .drop_f32 = drop_f32_avx2,
    .add_f32 = add_f32_avx2,
};

static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct kernel_table *kernel_table_named(const char *name) {
    if (strcmp(name, reference.name) == 0) return &reference;
    if (strcmp(name, avx2.name) == 0 && has_avx2()) return &avx2;
    return NULL;
}

const struct kernel_table *kernel_table(void) {
    /* Threads that race here write the same pointer. */
    static _Atomic(const struct kernel_table *) chosen;
    const struct kernel_table *table = atomic_load_explicit(&chosen, memory_order_acquire);
    if (table) return table;
    const char *wish = getenv("KAIROS_KERNELS");
    table = wish && strcmp(wish, "ref") == 0 ? &reference : has_avx2() ? &avx2 : &reference;
    atomic_store_explicit(&chosen, table, memory_order_release);
    return table;
}
