/* Obey a customer: consent, erasure, export, identity; and keep the record and the keys.
 *
 * USER is an identifier as the source gave it, or the pseudonym that the store holds. Every change
 * is written into the audit record of the workspace.
 */
#ifndef KAIROS_PRIVACY_H
#define KAIROS_PRIVACY_H

#include <kairos/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* consent show USER, consent set USER, consent withdraw USER */
typedef struct kai_consent_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one user */
    kai_list purposes;  /* analytics, personalisation, marketing-email ... */
    const char *proof;
    const char *source;
    const char *time; /* NULL = now */
} kai_consent_options;

typedef struct kai_forget_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one user */
    const char *reason;
} kai_forget_options;

typedef struct kai_export_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one user */
    const char *out;    /* "-" = stdout */
} kai_export_options;

typedef struct kai_audit_verify_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* certificates, may be none */
    const char *head;   /* a head that must stand in the record; NULL = any */
} kai_audit_verify_options;

typedef struct kai_key_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* of `key revoke`: one id */
    const char *name;
    kai_list scopes;
    double rate;  /* requests a second; 0 = no limit */
    double burst; /* 0 = twice the rate */
} kai_key_options;

typedef struct kai_identity_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* show: a user; merge: two users; undo: the number of an edge */
} kai_identity_options;

/* What a person said, by purpose, and what holds for her. */
KAI_API int32_t kai_engine_consent_show(kai_engine *engine, const kai_consent_options *options,
                                        kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Keep a statement: granted (of the purpose not-personalised: the switch is on). */
KAI_API int32_t kai_engine_consent_set(kai_engine *engine, const kai_consent_options *options,
                                       kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Keep a statement: withdrawn. */
KAI_API int32_t kai_engine_consent_withdraw(kai_engine *engine, const kai_consent_options *options,
                                            kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Erase a person, keep her from returning, and certify it. Fails: KAI_NOT_FOUND. */
KAI_API int32_t kai_engine_forget(kai_engine *engine, const kai_forget_options *options,
                                  kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Everything that is held about a person, as one JSON document. Fails: KAI_NOT_FOUND. */
KAI_API int32_t kai_engine_export(kai_engine *engine, const kai_export_options *options,
                                  kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Walk the audit record, and check certificates. Fails: KAI_CORRUPT naming the first line. */
KAI_API int32_t kai_engine_audit_verify(kai_engine *engine, const kai_audit_verify_options *options,
                                        kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Make an API key; it is told this once. */
KAI_API int32_t kai_engine_key_new(kai_engine *engine, const kai_key_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
KAI_API int32_t kai_engine_key_list(kai_engine *engine, const kai_key_options *options,
                                    kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Fails: KAI_NOT_FOUND, KAI_STATE (revoked already). */
KAI_API int32_t kai_engine_key_revoke(kai_engine *engine, const kai_key_options *options,
                                      kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* The identifiers of a person and the edges between them. */
KAI_API int32_t kai_engine_identity_show(kai_engine *engine, const kai_identity_options *options,
                                         kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Say that two users are one. */
KAI_API int32_t kai_engine_identity_merge(kai_engine *engine, const kai_identity_options *options,
                                          kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Undo an edge. Fails: KAI_NOT_FOUND, KAI_STATE. */
KAI_API int32_t kai_engine_identity_undo(kai_engine *engine, const kai_identity_options *options,
                                         kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
