#include "engine/settings.h"

#include <string.h>

#include "base/file.h"
#include "base/options.h"

#define OWN_KEYS "consent|privacy|segments"

static kai_status wrap_at(const struct settings *settings, const struct yaml_node *node,
                          const kai_err *why, kai_err *err) {
    return yaml_error(settings->tree, node, err, "%s", why->message);
}

static kai_status expect_map(const struct settings *settings, const struct yaml_node *node,
                             kai_err *err) {
    if (node->kind == YAML_MAP || node->kind == YAML_NULL) return KAI_OK;
    return yaml_error(settings->tree, node, err, "'%s': expected a map", node->key);
}

static kai_status read_consent(struct settings *settings, const struct yaml_node *map,
                               kai_err *err) {
    kai_status st = map ? expect_map(settings, map, err) : KAI_OK;
    for (int32_t i = 0; !st && map && i < map->count; i++) {
        const struct yaml_node *rule = &map->children[i];
        enum consent_purpose purpose = CONSENT_PURPOSES;
        kai_err why = {0};
        if (consent_purpose_parse(rule->key, &purpose, &why))
            return wrap_at(settings, rule, &why, err);
        if (purpose == CONSENT_NOT_PERSONALISED)
            return yaml_error(settings->tree, rule, err, "'not-personalised' is a person's switch");
        int is_out = strcmp(rule->text, "opt-out") == 0;
        if (!is_out && strcmp(rule->text, "opt-in") != 0)
            return yaml_error(settings->tree, rule, err, "'%s': expected opt-in or opt-out",
                              rule->key);
        settings->rules.consent.is_opt_out[purpose] = is_out;
    }
    return st;
}

static enum recognise_kind kind_of(const char *name) {
    for (int k = RECOGNISE_NONE + 1; k < RECOGNISE_KINDS; k++)
        if (strcmp(name, recognise_kind_text((enum recognise_kind)k)) == 0)
            return (enum recognise_kind)k;
    return RECOGNISE_NONE;
}

static kai_status read_privacy(struct settings *settings, const struct yaml_node *map,
                               const char *path, kai_err *err) {
    kai_status st = map ? expect_map(settings, map, err) : KAI_OK;
    for (int32_t i = 0; !st && map && i < map->count; i++) {
        const struct yaml_node *rule = &map->children[i];
        kai_err why = {0};
        if (strcmp(rule->key, "key_file") == 0) {
            buf_reset(&settings->key_file);
            st = file_join(&settings->key_file, path, rule->text, err);
            continue;
        }
        enum recognise_kind kind = kind_of(rule->key);
        if (kind == RECOGNISE_NONE)
            return yaml_error(settings->tree, rule, err,
                              "'%s': expected key_file, email, phone, name, address, ip, device or "
                              "id_number",
                              rule->key);
        if (privacy_action_parse(rule->text, &settings->rules.privacy.actions[kind], &why))
            return wrap_at(settings, rule, &why, err);
    }
    return st;
}

static kai_status check_keys(const struct settings *settings, kai_err *err) {
    const struct yaml_node *root = yaml_root(settings->tree);
    char nearest[32] = "";
    for (int32_t i = 0; i < root->count; i++) {
        const char *key = root->children[i].key;
        if (key && options_nearest(key, OWN_KEYS, nearest, sizeof nearest) &&
            strcmp(key, nearest) != 0)
            return yaml_error(settings->tree, &root->children[i], err,
                              "unknown key '%s': did you mean '%s'?", key, nearest);
    }
    return KAI_OK;
}

static kai_status read_all(struct settings *settings, const char *path, kai_err *err) {
    const struct yaml_node *root = yaml_root(settings->tree);
    kai_status st = check_keys(settings, err);
    if (!st) st = file_join(&settings->key_file, path, "kairos.key", err);
    if (!st) st = read_consent(settings, yaml_get(root, "consent"), err);
    if (!st) st = read_privacy(settings, yaml_get(root, "privacy"), path, err);
    settings->segments = yaml_get(root, "segments");
    if (!st && settings->segments) st = expect_map(settings, settings->segments, err);
    return st;
}

kai_status settings_load(const char *workspace, struct settings *ret_settings, kai_err *err) {
    struct settings settings = {.rules = govern_rules_default()};
    struct buf path;
    buf_init(&path, 1 << 16);
    buf_init(&settings.key_file, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/kairos.yaml", workspace);
    if (!st && !file_exists(path.data))
        st = err_set(err, KAI_NOT_FOUND, "'%s' is not a workspace: 'kairos init' makes one",
                     workspace);
    if (!st) st = yaml_load(path.data, &settings.tree, err);
    if (!st) st = read_all(&settings, path.data, err);
    buf_release(&path);
    if (st)
        settings_release(&settings);
    else
        *ret_settings = settings;
    return st;
}

void settings_release(struct settings *settings) {
    yaml_free(settings->tree);
    buf_release(&settings->key_file);
    *settings = (struct settings){0};
}
