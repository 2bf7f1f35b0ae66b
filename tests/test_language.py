import subprocess
import sys

import pytest
from framescope.classifier.inputs import detect_language

ENGLISH = (
    "The harbour council of Port Ellery said on Tuesday that it had agreed to widen the eastern "
    "breakwater after two ferries were damaged in the winter storms. The work is expected to take "
    "three years, and it will be paid for by a levy on the ships that call there."
)

SENTENCES = {
    "en": "Mayor of Port Ellery promises new ferry after storm damage",
    "de": "Der Hafenrat von Ellerhaven teilte mit, dass der Damm nach den Stürmen erneuert wird.",
    "fr": "Le conseil du port a annoncé que la digue serait élargie après les tempêtes de l'hiver.",
    "es": "El consejo del puerto anunció que el dique será ampliado después de los temporales.",
    "it": "Il consiglio del porto ha annunciato che la diga sarà allargata dopo le mareggiate.",
    "pt": "O conselho do porto anunciou que o dique será alargado depois das tempestades.",
    "nl": "De havenraad heeft gezegd dat de dijk na de stormen van deze winter wordt verbreed.",
    "pl": "Rada portu poinformowała, że falochron zostanie poszerzony po zimowych sztormach.",
    "sv": "Hamnrådet meddelade att vågbrytaren ska breddas efter vinterns svåra stormar.",
    "ru": "Совет порта сообщил, что волнорез будет расширен после зимних штормов.",
    "uk": "Рада порту повідомила, що хвилеріз буде розширено після зимових штормів.",
    "ar": "أعلن مجلس الميناء أن كاسر الأمواج سيتم توسيعه بعد عواصف الشتاء.",
    "tr": "Liman kurulu, kış fırtınalarından sonra dalgakıranın genişletileceğini açıkladı.",
    "zh": "港口委员会表示,冬季风暴过后将扩建防波堤。",
    "fa": "شورای بندر اعلام کرد که موج‌شکن پس از توفان‌های زمستان گسترش می‌یابد.",
}


def test_tells_a_sentence() -> None:
    assert {code: detect_language(text) for code, text in SENTENCES.items()} == {
        code: code for code in SENTENCES
    }


@pytest.mark.parametrize(
    "headline",
    [
        "Bundestag vote splits ruling coalition",
        "Le Pen ally quits Assemblée over budget",
        "Oil prices surge as OPEC cuts output again",
        "Kremlin: Zelensky, Xi, Erdoğan invited to Astana",
        "BREAKING: THREE HURT IN ELLERY FERRY BLAZE",
        "#Ellery #Ferry @PortEllery harbour blaze kills one, injures ten",
        # Taken for Nigerian Pidgin, which is written with English words.
        "Choirs from two Koreas, one song. Choirs from the two sang one song in Geneva on Sunday.",
        "Choirs from two Koreas, one song\n\n"
        "Choirs from North Korea and South Korea sang one song in Geneva on Sunday.",
    ],
)
def test_never_takes_an_english_headline_for_another_language(headline: str) -> None:
    assert detect_language(headline) in {"en", None}


@pytest.mark.parametrize("text", ["", "   \n", "Paris", "12345 !!! 2023 ---", "😀😀😀", "ja nein"])
def test_too_short_to_tell_is_none(text: str) -> None:
    assert detect_language(text) is None


def test_quotations_and_lines_of_another_language_do_not_decide() -> None:
    german = (SENTENCES["de"] + " Die Arbeiten dauern drei Jahre und werden bezahlt. ") * 10
    assert detect_language(german + "“The levy is fair,” said the chairman. " + german) == "de"
    assert detect_language(ENGLISH + f" “{SENTENCES['de']}” " + ENGLISH * 3) == "en"
    assert detect_language("Cookies OK.\n" + SENTENCES["fr"] * 300) == "fr"
    assert detect_language("\ud800" + ENGLISH[:60]) in {"en", None}


def test_english_prose_needs_no_model() -> None:
    code = (
        "import sys; from framescope.classifier.inputs import detect_language; "
        f"assert detect_language({ENGLISH!r}) == 'en'; "
        "assert not {'py3langid', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
