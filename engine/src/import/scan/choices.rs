//! Values that a user can choose. With any other value, diaspora* would refuse to save the user from then on.

/// Languages of diaspora* (`config/locale_settings.yml`).
const LANGUAGES: &str = "ar art-nvi bg br bs ca cs cy da de de_formal de_moo de-CH el en en_1337 en_pirate \
    en_shaw en_valspeak eo es es-AR es-CL es-CO es-VE es-MX et eu fi fil fr fy ga gd gl he hu hye hye-classical \
    hyw ia id is it ja ja-KS ka ko lt mk ml ms nb nds nl nn oc pa pl pt-PT pt-BR ro ru sc si sk sl sq sr sv te \
    tr uk ur-PK vi wo zh-CN zh-TW";
/// Colour themes that every pod has (`config/color_themes.yml`).
const THEMES: &str = "original original_white dark_green magenta egyptian_blue dark";

/// Returns the language, or English if diaspora* does not have it.
pub(in crate::import) fn language(code: Option<&str>) -> &str {
    code.filter(|code| LANGUAGES.split_whitespace().any(|known| known == *code)).unwrap_or("en")
}

/// Returns the colour theme; none, which stands for the pod's default, if not every pod has it.
pub(in crate::import) fn theme(name: Option<&str>) -> Option<String> {
    name.filter(|name| THEMES.split_whitespace().any(|known| known == *name)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{language, theme};

    #[test]
    fn values_that_diaspora_does_not_have_are_replaced() {
        assert_eq!([language(Some("pt-BR")), language(Some("tlh")), language(None)], ["pt-BR", "en", "en"]);
        assert_eq!(theme(Some("dark")).as_deref(), Some("dark"));
        assert_eq!(theme(Some("../x")), None);
    }
}
