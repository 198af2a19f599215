"""The classes of the stateful suite's group `smart_home`."""

from typing import Any

_COMFORT = 1  # degrees by which a thermostat lets the temperature stray


class _Device:
    def __init__(
        self, name: str, location: str, is_on: bool = True
    ) -> None:  # the suite's signature
        self.name = name
        self.location = location
        self.is_on = is_on
        self.power_watts = 0

    def turn_on(self) -> None:
        """Turn the device on."""
        self.is_on = True

    def turn_off(self) -> None:
        """Turn the device off."""
        self.is_on = False

    def toggle(self) -> None:
        """Toggle device on/off state."""
        (self.turn_off if self.is_on else self.turn_on)()

    def get_status(self) -> dict[str, Any]:
        """Get current status."""
        return dict(vars(self))


class Light(_Device):
    def __init__(  # the suite's signature
        self,
        name: str,
        location: str,
        is_on: bool = False,
        brightness: int = 100,
        color_temp: int = 4000,
    ) -> None:
        super().__init__(name, location, is_on)
        self.brightness = brightness
        self.color_temp = color_temp
        self.max_power_watts = 10

    def set_brightness(self, brightness: int) -> None:
        """Set brightness level (0-100)."""
        self.brightness = min(100, max(0, brightness))
        self.is_on = self.brightness > 0

    def set_color_temp(self, kelvin: int) -> None:
        """Set color temperature in Kelvin (2700-6500)."""
        self.color_temp = min(6500, max(2700, kelvin))

    def dim(self, amount: int = 20) -> None:
        """Dim the light by specified amount."""
        self.set_brightness(self.brightness - amount)

    def brighten(self, amount: int = 20) -> None:
        """Brighten the light by specified amount."""
        self.set_brightness(self.brightness + amount)


class Thermostat(_Device):
    def __init__(  # the suite's signature
        self,
        name: str,
        location: str,
        current_temp: int = 22,
        target_temp: int = 22,
        mode: str = "auto",
    ) -> None:
        super().__init__(name, location)
        self.current_temp = current_temp
        self.mode = mode
        self.set_temperature(target_temp)

    def set_temperature(self, temp: int) -> None:
        """Set target temperature."""
        self.target_temp = temp
        self.is_heating = self.current_temp < temp - _COMFORT
        self.is_cooling = self.current_temp > temp + _COMFORT

    def set_mode(self, mode: str) -> None:
        """Set thermostat mode: heat, cool, auto, eco, off."""
        self.mode = mode

    def simulate_temperature_change(self, minutes: int) -> None:
        """Simulate temperature change over time."""
        step = minutes // 10
        away = self.target_temp - self.current_temp
        self.current_temp += max(-step, min(step, away))


class Lock(_Device):
    def __init__(
        self, name: str, location: str, is_locked: bool = True
    ) -> None:  # the suite's signature
        super().__init__(name, location)
        self.is_locked = is_locked
        self.auto_lock = True

    def lock(self) -> None:
        """Lock the door."""
        self.is_locked = True

    def unlock(self) -> None:
        """Unlock the door."""
        self.is_locked = False

    def toggle_lock(self) -> None:
        """Toggle lock state."""
        self.is_locked = not self.is_locked


class Camera(_Device):
    def __init__(
        self, name: str, location: str, is_on: bool = True
    ) -> None:  # the suite's signature
        super().__init__(name, location, is_on)
        self.is_recording = is_on
        self.motion_detected = False
        self.night_vision = True

    def start_recording(self) -> None:
        """Start recording."""
        self.is_recording = True

    def stop_recording(self) -> None:
        """Stop recording."""
        self.is_recording = False

    def detect_motion(self, detected: bool) -> None:  # the suite's signature
        """Set motion detection state."""
        self.motion_detected = detected


class Speaker(_Device):
    def __init__(
        self, name: str, location: str, is_on: bool = False
    ) -> None:  # the suite's signature
        super().__init__(name, location, is_on)
        self.volume = 50
        self.is_playing = False
        self.current_source: str | None = None
        self.max_power_watts = 20

    def turn_off(self) -> None:
        """Turn the speaker off - also stops playback."""
        self.is_on = False
        self.stop()

    def set_volume(self, volume: int) -> None:
        """Set volume level (0-100)."""
        self.volume = min(100, max(0, volume))

    def play(self, source: str = "music") -> None:
        """Start playing."""
        self.is_on = self.is_playing = True
        self.current_source = source

    def pause(self) -> None:
        """Pause playback."""
        self.is_playing = False

    def stop(self) -> None:
        """Stop playback."""
        self.is_playing = False
        self.current_source = None


class Blinds(_Device):
    def __init__(self, name: str, location: str, position: int = 100) -> None:
        super().__init__(name, location)
        self.position = position

    def set_position(self, position: int) -> None:
        """Set blinds position (0=closed, 100=open)."""
        self.position = min(100, max(0, position))

    def open(self) -> None:
        """Fully open the blinds."""
        self.position = 100

    def close(self) -> None:
        """Fully close the blinds."""
        self.position = 0


class TemperatureSensor(_Device):
    def __init__(
        self, name: str, location: str, temperature: float = 22.0, humidity: int = 45
    ) -> None:
        super().__init__(name, location)
        self.temperature = temperature
        self.humidity = humidity

    def get_reading(self) -> dict[str, Any]:
        """Get current sensor reading."""
        return {"temperature": self.temperature, "humidity": self.humidity}

    def set_reading(self, temperature: float | None = None, humidity: int | None = None) -> None:
        """Simulate sensor reading (for testing)."""
        self.temperature = self.temperature if temperature is None else temperature
        self.humidity = self.humidity if humidity is None else humidity


CLASSES: tuple[type, ...] = (
    Light,
    Thermostat,
    Lock,
    Camera,
    Speaker,
    Blinds,
    TemperatureSensor,
)
