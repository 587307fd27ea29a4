/* Clean rows and make feature tables, the same way for training and for serving.
 *
 * In goes a table with a role for each column; out comes a feature matrix for `learn`. Cleaning
 * never changes the table: it decides, from the rows to learn from, what to leave out, what to read
 * as missing and what to clip, and the recipe carries that out on its way into the matrix. So
 * labels, treatments and test columns cannot be altered, and the same decisions hold for tables
 * that come later. Models are not this room's business.
 *
 * The doors of this room, in the order of use (docs/methods/preparing.md):
 *   prepare/split.h   which rows teach and which rows test; folds
 *   prepare/target.h  the label as numbers to learn
 *   prepare/clean.h   what is wrong with the table, and what is done about it
 *   prepare/recipe.h  the feature matrix, fitted once and applied the same way later
 *
 * and, where customers come as events (docs/methods/features.md, docs/methods/segments.md):
 *   prepare/touch.h           a customer's history in the form that the others read
 *   prepare/customer.h        her traits at a moment, for training and for serving
 *   prepare/label.h           what happens after a moment
 *   prepare/segment.h         segments by rule
 *   prepare/segment_bitmap.h  who is in a segment
 *   prepare/cluster.h         segments by likeness
 */
#ifndef KAIROS_PREPARE_PREPARE_H
#define KAIROS_PREPARE_PREPARE_H

/* What a column is to the job. Only features become features; only features are cleaned. */
enum prepare_role {
    PREPARE_FEATURE,
    PREPARE_LABEL,     /* label or outcome */
    PREPARE_TREATMENT, /* the arm that a row got */
    PREPARE_ID,        /* the key of a row: duplicates are found by it */
    PREPARE_TEST,      /* 1 = test row */
    PREPARE_PROTECTED, /* weights, propensities: read by others, never altered */
    PREPARE_SENSITIVE, /* audited only */
    PREPARE_TIME,      /* splits by time */
    PREPARE_GROUP,     /* splits by group */
    PREPARE_DROPPED,   /* left out by the user */
    PREPARE_ROLES
};

/* "feature", "label", "treatment", "id", "test", "protected", "sensitive", "time", "group",
 * "dropped" */
const char *prepare_role_text(enum prepare_role role);

#endif
